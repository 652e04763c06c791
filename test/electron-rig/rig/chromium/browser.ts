import { spawn } from 'node:child_process';
import path from 'node:path';
import { rigOptions } from '../options.ts';
import { rigDomain } from '../schemes.ts';
import { BrowserClosed, type Cdp, CdpRefusal, connectCdp, type Method, type Protocol } from './cdp.ts';

/** Debian's /usr/bin/chromium is a shell script around this one. */
const CHROMIUM = '/usr/lib/chromium/chromium';

let running: Cdp | null = null;
let settleStarted: () => void = () => {};
export const browserStarted = new Promise<void>((resolve) => {
  settleStarted = resolve;
});

/** A command to the browser itself, or to one of its pages by that session's id. */
export async function send<M extends Method>(
  method: M,
  params?: Protocol.CommandParameters[M],
  sessionId?: string,
): Promise<Protocol.CommandReturnValues[M]> {
  if (!running) throw new Error(`electron rig: ${method} before the browser was started`);
  return running.send(method, params, sessionId);
}

/** For work nobody waits for. That a page or the browser went away meanwhile is no fault. */
export function quietly(work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    const expected = error instanceof CdpRefusal || error instanceof BrowserClosed;
    if (!expected || rigOptions().verbose) console.error('electron rig:', error);
  });
}

export async function startBrowser(appSwitches: readonly string[], prepare: (cdp: Cdp) => void): Promise<void> {
  const { userDataDir, browserHome, verbose } = rigOptions();
  const child = spawn(CHROMIUM, chromiumArguments(userDataDir, appSwitches), {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    env: browserHome ? { ...process.env, HOME: browserHome } : process.env,
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    const text = chunk.toString();
    // Playwright waits for the line that names the debugging port.
    const telling = /^DevTools listening.*$/m.exec(text)?.[0];
    if (verbose) process.stderr.write(text);
    else if (telling) process.stderr.write(`${telling}\n`);
  });
  const cdp = connectCdp(child);
  await Promise.race([cdp.send('Browser.getVersion'), new Promise((_, reject) => child.once('error', reject))]);
  running = cdp;
  prepare(cdp);
  await send('Target.setDiscoverTargets', { discover: true });
  await send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true });
  settleStarted();
}

function chromiumArguments(userDataDir: string, appSwitches: readonly string[]): string[] {
  const { headless, switches, languages } = rigOptions();
  const given = [...appSwitches, ...switches];
  const mapped = given.find((one) => one.startsWith('--host-resolver-rules='))?.slice('--host-resolver-rules='.length);
  // A request of ours that was not intercepted must fail at once, and never ask a name server.
  const resolverRules = [`MAP *.${rigDomain} ^NOTFOUND`, ...(mapped ? [mapped] : [])].join(',');
  return [
    '--remote-debugging-pipe',
    '--remote-debugging-port=0',
    `--user-data-dir=${path.join(userDataDir, 'chromium')}`,
    `--lang=${languages[0] ?? 'en-US'}`,
    '--no-first-run',
    '--no-default-browser-check',
    '--no-startup-window',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-default-apps',
    '--disable-sync',
    '--disable-extensions',
    '--disable-breakpad',
    // Electron has none: its setWindowOpenHandler decides.
    '--disable-popup-blocking',
    '--password-store=basic',
    '--metrics-recording-only',
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
    '--disable-dev-shm-usage',
    '--disable-features=Translate,MediaRouter,OptimizationHints,HttpsUpgrades,DialMediaRouteProvider',
    '--hide-crash-restore-bubble',
    headless ? '--headless=new' : '--ozone-platform=x11',
    // Chromium has no sandbox for root.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ...given.filter((one) => !one.startsWith('--host-resolver-rules=')),
    `--host-resolver-rules=${resolverRules}`,
  ];
}

// Chromium writes its profile on the way out.
const CLOSE_MS = 3_000;

export async function closeBrowser(): Promise<void> {
  const cdp = running;
  if (!cdp) return;
  const ended = new Promise<void>((resolve) => {
    if (cdp.child.exitCode !== null || cdp.child.signalCode !== null) resolve();
    else cdp.child.once('exit', () => resolve());
  });
  await cdp.send('Browser.close').catch(() => {});
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, CLOSE_MS))]);
  cdp.child.kill('SIGKILL');
}
