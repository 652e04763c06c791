// Runs in its own mount and process namespaces (see browser-policy.test.ts): real Chromium, and our enforcer, on a
// /etc/chromium that nobody else sees. Prints one JSON document. Arguments: scenario, directory for state, count.
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright';
import { chromiumBrowsers } from '../../agent/gate/browser-policy/browsers.ts';
import { createLinuxBrowserPolicy } from '../../agent/gate/browser-policy/linux-browser-policy.ts';
import { openLedger } from '../../agent/gate/ledger.ts';
import { toolPath } from '../../build/debian-tools.ts';
import type { EnforcerState } from '../../contracts/enforcer.ts';
import { ccpPage } from '../servers/ccp-page.ts';

const HOST = 'acme.my.connect.aws';
const CCP = `https://${HOST}/ccp-v2`;
const PROBE = `https://${HOST}/api`;
const MANAGED_DIR = '/etc/chromium/policies/managed';
/** A browser that has been quiet this long after its start reads every change; a busy machine needs all of it. */
const QUIET_MS = 8_000;
const LOAD_LIMIT_MS = 5_000;
const CHANGE_LIMIT_MS = 10_000;

export interface Cycle {
  blockMs: number;
  unblockMs: number;
  /** What the enforcer said when it had closed. */
  closedState: EnforcerState;
  /** XHR of the tab that was open all the time, seen by the server while closed, and how many of them had the cookie. */
  closedXhr: number;
  closedXhrWithCookie: number;
  reopenedXhrWithCookie: number;
}

export type Scenario = 'shift' | 'starting';

export interface Results {
  shift: {
    before: { state: EnforcerState; stateBesideBrowser: EnforcerState; navigation: string; frame: string; afterOpen: string };
    cycles: Cycle[];
    entries: { entry: string; opens: boolean; state: EnforcerState }[];
    leftovers: string;
  };
  starting: { closed: { atMs: number; blockedAfterMs: number | null }; opened: { atMs: number; openAfterMs: number | null } };
}

const [scenario, dir, count] = process.argv.slice(2);
if (!dir) throw new Error('no directory for state');
execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', '/etc/chromium']);
const site = await ccpPage([HOST]);
const chromiumFamily = chromiumBrowsers.filter((one) => one.target === 'chromium');
const firefox = { target: 'firefox', dirs: [path.join(dir, 'firefox')] as [string], programs: [], executables: [] };
const enforcer = createLinuxBrowserPolicy({ ledger: await openLedger(path.join(dir, 'state')), chromiumFamily, firefox });
const scope = { ccpHosts: [HOST], transportHosts: [], mediaPrefixes: [], sharedPrefixes: [] };
const hold = async (closed: boolean) => (await enforcer.hold({ closed, scope, agentUids: [] })).state;

async function launch(): Promise<{ browser: Browser; newPage(): Promise<Page> }> {
  const browser = await chromium.launch({
    executablePath: toolPath('chromium'),
    env: { HOME: dir ?? '', PATH: '/usr/bin:/bin' },
    args: [`--host-resolver-rules=MAP ${HOST} 127.0.0.1:${site.port}, MAP * ~NOTFOUND`],
  });
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  return { browser, newPage: () => context.newPage() };
}

/** `open`, or Chromium's error. */
async function go(page: Page, url: string): Promise<string> {
  try {
    await page.goto(url, { timeout: LOAD_LIMIT_MS });
    return 'open';
  } catch (error) {
    return /ERR_\w+/.exec(String(error))?.[0] ?? String(error);
  }
}

/** How long after the change began new pages of the host opened, or were refused. */
async function until(page: Page, isOpen: boolean, change: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await change();
  while (((await go(page, PROBE)) === 'open') !== isOpen) {
    if (performance.now() - startedMs > CHANGE_LIMIT_MS) throw new Error(`${isOpen ? 'shut' : 'open'} after ${CHANGE_LIMIT_MS} ms`);
    await delay(10);
  }
  return performance.now() - startedMs;
}

/** The browser starts while closed; then the gate opens and closes beside it; then others write policies. */
async function shift(cycles: number): Promise<Results['shift']> {
  const state = await hold(true);
  const { browser, newPage } = await launch();
  const ccp = await newPage();
  const navigation = await go(ccp, CCP);
  const probe = await newPage();
  await probe.setContent(`<iframe src="${CCP}"></iframe>`);
  await delay(1_000);
  const frame = probe.frames()[1]?.url() ?? '';
  const stateBesideBrowser = await hold(true);
  await delay(QUIET_MS);
  await until(probe, true, () => hold(false));
  const before = { state, stateBesideBrowser, navigation, frame, afterOpen: await go(ccp, CCP) };
  const result: Results['shift'] = { before, cycles: [], entries: [], leftovers: '' };
  const xhr = async () => {
    // One that was under way when the gate moved is let pass.
    await delay(250);
    site.seen.length = 0;
    await delay(500);
    return { all: site.seen.length, withCookie: site.seen.filter((one) => one.cookie !== '').length };
  };
  for (let n = 0; n < cycles; n += 1) {
    let closedState: EnforcerState = 'degraded';
    const blockMs = await until(probe, false, async () => {
      closedState = await hold(true);
    });
    const closed = await xhr();
    const unblockMs = await until(probe, true, () => hold(false));
    const opened = await xhr();
    const seen = { closedXhr: closed.all, closedXhrWithCookie: closed.withCookie, reopenedXhrWithCookie: opened.withCookie };
    result.cycles.push({ blockMs, unblockMs, closedState, ...seen });
  }
  await hold(true);
  for (const entry of ['*', HOST, `https://${HOST}/ccp-v2`, 'https://*', `.${HOST}`, `https://.${HOST}`, `user@.${HOST}.`]) {
    putOther('mdm.json', `/* IT */ {"URLAllowlist": ["${entry}",]}`);
    const state = await hold(true);
    await delay(400);
    result.entries.push({ entry, opens: (await go(probe, PROBE)) === 'open', state });
  }
  rmSync(path.join(MANAGED_DIR, 'mdm.json'));
  await hold(false);
  result.leftovers = execFileSync('/usr/bin/find', ['/etc/chromium', '-mindepth', '1'], { encoding: 'utf8' });
  await browser.close();
  return result;
}

/** Another owner's file. At the epoch, else Chromium would wait for 5 s before it looked. */
function putOther(name: string, text: string): void {
  const temp = path.join(path.dirname(MANAGED_DIR), '.other');
  mkdirSync(MANAGED_DIR, { recursive: true });
  writeFileSync(temp, text);
  utimesSync(temp, 0, 0);
  renameSync(temp, path.join(MANAGED_DIR, name));
}

/** The gate moves while the browser starts, and is then held as the daemon holds it. */
async function movedWhileStarting(closed: boolean): Promise<{ atMs: number; afterMs: number | null }> {
  const startedMs = performance.now();
  const { browser, newPage } = await launch();
  const page = await newPage();
  await hold(closed);
  const movedMs = performance.now();
  let afterMs: number | null = null;
  // The browser stays quiet between looks: one that loads pages without a pause puts off reading its policies.
  for (let second = 1; second <= 35 && afterMs === null; second += 1) {
    await delay(1_000);
    await hold(closed);
    if (second < 7 || second % 4 !== 0) continue;
    if (((await go(page, PROBE)) === 'open') !== closed) afterMs = performance.now() - movedMs;
    await go(page, 'about:blank');
  }
  await browser.close();
  return { atMs: movedMs - startedMs, afterMs };
}

async function starting(): Promise<Results['starting']> {
  const closed = await movedWhileStarting(true);
  const opened = await movedWhileStarting(false);
  return {
    closed: { atMs: closed.atMs, blockedAfterMs: closed.afterMs },
    opened: { atMs: opened.atMs, openAfterMs: opened.afterMs },
  };
}

const scenarios: { [Name in Scenario]: () => Promise<Results[Name]> } = { shift: () => shift(Number(count)), starting };
const run = scenarios[scenario as Scenario];
process.stdout.write(`${JSON.stringify(await run())}\n`);
await site.close();
