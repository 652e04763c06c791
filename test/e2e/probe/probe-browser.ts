import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Browser, chromium } from 'playwright';
import { build } from 'vite';
import { toolPath } from '../../../build/debian-tools.ts';
import { repoRoot } from '../../../build/repo.ts';
import type { ProbeTask } from '../../../contracts/ipc.ts';
import { ProbeReading } from '../../../contracts/local-api.ts';
import { pageHeaders } from '../../../main/windows/page-files.ts';
import config from '../../../renderer/vite.config.ts';

// Answered from memory; nothing is ever looked up.
const ORIGIN = 'https://ui.example';

/** The hidden page as the release has it: bytes by file name. */
export async function buildProbe(outDir: string): Promise<Map<string, Buffer>> {
  const result = await build({
    ...config,
    configFile: false,
    logLevel: 'warn',
    define: { __E2E__: 'false' },
    build: { ...config.build, outDir, rolldownOptions: { input: { probe: path.join(repoRoot, 'renderer', 'probe.html') } } },
  });
  if (!('output' in result)) throw new Error('expected one build');
  const files = result.output.map(({ fileName }) => fileName);
  return new Map(await Promise.all(files.map(async (name) => [name, await readFile(path.join(outDir, name))] as const)));
}

export interface Sound {
  /** `none`: no sound card, on whichever machine this runs. */
  devices: 'fake' | 'none';
  /** What a person, or the app, would say to the microphone. */
  allows: boolean;
}

export function launchWith({ devices, allows }: Sound): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu'];
  if (devices === 'fake') args.push('--use-fake-device-for-media-stream');
  if (allows) args.push('--use-fake-ui-for-media-stream');
  const silent = { ALSA_CONFIG_PATH: '/dev/null', PULSE_SERVER: 'unix:/dev/null' };
  const env = { HOME: '/tmp', ...(devices === 'none' ? silent : {}) };
  return chromium.launch({ executablePath: toolPath('chromium'), args, env });
}

/** What the page did with sound, by its own calls. */
export interface Recorded {
  opened: { atMs: number; constraints: unknown }[];
  /** When each track of those streams ended. */
  stopped: number[];
  /** Whatever could read, play, keep or send it. */
  reads: string[];
}

export interface Looked {
  reading: ProbeReading;
  recorded: Recorded;
  /** Scripts that failed, refusals by the page's policy, requests to elsewhere. */
  trouble: string[];
}

/** Opens the page anew, gives it one task, and closes it. */
export async function look(browser: Browser, files: ReadonlyMap<string, Buffer>, task: ProbeTask): Promise<Looked> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const trouble: string[] = [];
  let settle: (reading: Promise<ProbeReading>) => void = () => {};
  const answered = new Promise<ProbeReading>((resolve) => {
    settle = resolve;
  });
  await page.exposeFunction('deskwardenCall', async (name: string, request: { task: number; reading: unknown }) => {
    if (name === 'probeReady') await page.evaluate(`window.deskwardenEmit('probe', ${JSON.stringify(task)})`);
    else if (name === 'probeDone' && request.task === task.task) settle(ProbeReading.parseAsync(request.reading));
    else settle(Promise.reject(new Error(`unscripted call ${name}`)));
    return { ok: true };
  });
  // As text: it runs in the page.
  await page.addInitScript(`
    const listeners = new Map();
    window.deskwardenEmit = (name, payload) => listeners.get(name)?.(payload);
    Object.defineProperty(window, 'deskwarden', { value: Object.freeze({
      call: (name, request) => window.deskwardenCall(name, request ?? null),
      on: (name, listener) => { listeners.set(name, listener); return () => listeners.delete(name); },
    }) });
    const recorded = window.recorded = { opened: [], stopped: [], reads: [] };
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      const stream = await open(constraints);
      recorded.opened.push({ atMs: performance.now(), constraints });
      return stream;
    };
    const stop = MediaStreamTrack.prototype.stop;
    MediaStreamTrack.prototype.stop = function () {
      const wasLive = this.readyState === 'live';
      stop.call(this);
      if (wasLive && this.readyState === 'ended') recorded.stopped.push(performance.now());
    };
    for (const name of ['AudioContext', 'OfflineAudioContext', 'MediaRecorder', 'MediaStreamTrackProcessor']) {
      const original = window[name];
      if (original) window[name] = new Proxy(original, { construct(target, args) { recorded.reads.push(name); return new target(...args); } });
    }
    for (const name of ['addTrack', 'addStream']) {
      const original = RTCPeerConnection.prototype[name];
      RTCPeerConnection.prototype[name] = function (...args) { recorded.reads.push(name); return original.apply(this, args); };
    }
    document.addEventListener('securitypolicyviolation', (event) => console.error('refused by policy: ' + event.violatedDirective + ' ' + event.blockedURI));
  `);
  page.on('pageerror', (error) => trouble.push(`script failed: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') trouble.push(message.text());
  });
  await page.route('**/*', async (route) => {
    const url = new URL(route.request().url());
    const body = url.origin === ORIGIN ? files.get(url.pathname.slice(1)) : undefined;
    if (!body) {
      trouble.push(`asked for ${url.href}`);
      return route.abort();
    }
    return route.fulfill({
      body,
      headers: { ...pageHeaders, 'content-type': url.pathname.endsWith('.html') ? 'text/html' : 'text/javascript' },
    });
  });
  try {
    await page.goto(`${ORIGIN}/probe.html`);
    const reading = await answered;
    return { reading, recorded: (await page.evaluate('window.recorded')) as Recorded, trouble };
  } finally {
    await context.close();
  }
}

export interface TurnServer {
  port: number;
  /** What it printed of those who asked. */
  log(): string;
  stop(): Promise<void>;
}

/** A real TURN server on loopback that knows one account, and not ours. */
export async function startTurn(dir: string): Promise<TurnServer> {
  const port = await freeUdpPort();
  const ownFiles = ['-n', '--no-cli', `--pidfile=${path.join(dir, 'turn.pid')}`, `--userdb=${path.join(dir, 'turn.db')}`];
  const place = ['--listening-ip=127.0.0.1', `--listening-port=${port}`, '--relay-ip=127.0.0.1', '--min-port=50000', '--max-port=50100'];
  const udpOnly = ['--no-tls', '--no-dtls', '--no-tcp', '--no-tcp-relay'];
  const account = ['--lt-cred-mech', '--user=lab:lab', '--realm=lab.example'];
  const rest = ['--verbose', '--log-file=stdout', '--simple-log'];
  const server: ChildProcess = spawn(toolPath('turnserver'), [...ownFiles, ...place, ...udpOnly, ...account, ...rest], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let log = '';
  server.stdout?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const endMs = performance.now() + 20_000;
  while (!log.includes(`127.0.0.1:${port}`)) {
    if (performance.now() > endMs || server.exitCode !== null) throw new Error(`turnserver did not start: ${log.slice(-500)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    port,
    log: () => log,
    async stop() {
      const ended = once(server, 'exit');
      if (server.exitCode === null) server.kill('SIGKILL');
      else return;
      await ended;
    },
  };
}

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}
