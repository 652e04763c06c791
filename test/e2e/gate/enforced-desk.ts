import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';
import { toolPath } from '../../../build/debian-tools.ts';
import { repoRoot } from '../../../build/repo.ts';
import { catalog } from '../../../checks/catalog.ts';
import { resolvePolicy } from '../../../checks/resolve-policy.ts';
import { Snapshot } from '../../../contracts/local-api.ts';
import { type Policy, PolicyFile } from '../../../contracts/policy.ts';
import type { Finished } from '../../lab/processes.ts';
import { type Lab, withLab } from '../../lab/with-lab.ts';
import { canary } from '../../lab/world.ts';
import { shippedCli } from '../shipped-cli.ts';

/** Nobody of this machine's. */
export const AGENT_UID = 61_000;
const WAIT_MS = 40_000;
const tsx = [process.execPath, '--import', 'tsx'];
/** A command as one that the agent's uid runs. */
export const asAgent = (argv: readonly string[]) => [
  ...['/usr/bin/setpriv', `--reuid=${AGENT_UID}`, `--regid=${AGENT_UID}`, '--clear-groups', '--'],
  ...argv,
];
/** Of a program of the tests in TypeScript. */
export const tsProgram = (...names: string[]) => [...tsx, path.join(repoRoot, 'test', 'e2e', 'gate', ...names)];
/** What of this machine the desk must not see, or change. */
const HIDDEN = ['/run/user', '/run/systemd', '/etc/chromium', '/etc/opt', '/etc/firefox'];

export type LogLine = Record<string, unknown> & { event: string; at: string };

export interface EnforcedDesk {
  lab: Lab;
  /** Starts a command on the desk, where its own /etc and its own session of the agent are seen. */
  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  exec(argv: readonly string[], env?: Record<string, string>): Promise<Finished>;
  cli(...args: string[]): Promise<Finished>;
  fleet(command: object): Promise<unknown>;
  /** Signs a policy whose only blocking rule is the canary's, with these changes. */
  publish(change?: (file: Record<string, unknown>) => void): Promise<Policy>;
  /** As it ships, or by another command line that ends where `daemon` is said. */
  startDaemon(cli?: readonly string[]): Promise<RunningDaemon>;
  /** The rule that blocks fails from now on, and nothing of the CCP's network changes. */
  breakCanary(): Promise<void>;
  mendCanary(): Promise<void>;
  snapshot(): Promise<Snapshot>;
  until(what: string, holds: (snapshot: Snapshot) => boolean, withinMs?: number): Promise<Snapshot>;
}

export interface DeskOptions {
  /** Of every program on the desk, the fleet's too. */
  env?: Readonly<Record<string, string>>;
}

export interface RunningDaemon {
  process: ChildProcess;
  log(): LogLine[];
  /** When the first line came after `afterMs` (wall clock) for which this holds. */
  when(holds: (line: LogLine) => boolean, afterMs: number): Promise<number>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** An enrolled desk in the healthy lab under a signed policy that enforces, with the shipped daemon. */
export async function withEnforcedDesk<T>(use: (desk: EnforcedDesk) => Promise<T>, options: DeskOptions = {}): Promise<T> {
  return withLab('canary-open', async (lab) => use(await prepare(lab, options)));
}

async function prepare(lab: Lab, { env: more = {} }: DeskOptions): Promise<EnforcedDesk> {
  const configPath = path.join(lab.dir, 'daemon.yaml');
  const config = ['schema: 1', ...['state', 'run', 'log'].map((name) => `${name}Dir: ${path.join(lab.dir, name)}`)];
  await writeFile(configPath, config.join('\n'));
  await chmod(lab.dir, 0o711);
  const holder = await startHolder(lab);
  const inside = (argv: readonly string[]) => ['/usr/bin/nsenter', '-t', String(holder.pid), '-m', `--wd=${repoRoot}`, '--', ...argv];
  const env = { DESKWARDEN_CONFIG: configPath, ...more };
  const spawn: EnforcedDesk['spawn'] = (argv, options = {}) =>
    lab.spawn(inside(argv), { ...options, env: { ...lab.env, ...env, ...options.env } });
  const exec: EnforcedDesk['exec'] = (argv, added = {}) => lab.exec(inside(argv), { env: { ...env, ...added }, timeoutMs: WAIT_MS });
  const cli: EnforcedDesk['cli'] = (...args) => exec([...shippedCli, ...args]);
  const fleet = await startFleetIn(spawn);
  let revision = 0;

  const desk: EnforcedDesk = {
    lab,
    spawn,
    exec,
    cli,
    fleet: fleet.ask,
    async publish(change = () => {}) {
      revision += 1;
      const body = policyOf(await readFile(lab.policyPath, 'utf8'), revision, change);
      await fleet.ask({ do: 'publish', kind: 'policy', revision, body });
      return body;
    },
    startDaemon: (by = shippedCli) => startDaemon(spawn, by),
    breakCanary: () => setCanary(lab, true),
    mendCanary: () => setCanary(lab, false),
    async snapshot() {
      const { stdout, stderr } = await cli('status', '--json');
      if (stdout === '') throw new Error(stderr);
      return Snapshot.parse(JSON.parse(stdout));
    },
    async until(what, holds, withinMs = WAIT_MS) {
      const deadline = performance.now() + withinMs;
      for (let seen: unknown = null; ; await delay(100)) {
        const snapshot = await desk.snapshot().catch((error) => {
          seen = error;
          return null;
        });
        if (snapshot && holds(snapshot)) return snapshot;
        if (snapshot)
          seen = {
            verdict: snapshot.verdict && [snapshot.verdict.standing, ...snapshot.verdict.causes.map(({ check }) => check)],
            gate: snapshot.gate,
            enforcers: snapshot.enforcers,
            fleet: snapshot.fleet,
          };
        if (performance.now() > deadline) throw new Error(`not ${what} within ${withinMs} ms: ${JSON.stringify(seen) ?? seen}`);
      }
    },
  };
  await desk.mendCanary();
  await desk.publish();
  const ticketPath = path.join(lab.dir, 'ticket');
  await writeFile(ticketPath, fleet.ticket, { mode: 0o600 });
  const enrolled = await cli('enrol', '--server', fleet.url, '--ticket-file', ticketPath);
  if (enrolled.code !== 0) throw new Error(`enrol ended with ${enrolled.code}: ${enrolled.stdout}${enrolled.stderr}`);
  return desk;
}

/** Keeps a mount namespace in which nothing of this machine's is changed, and where the agent has a session. */
export async function startHolder(lab: Lab): Promise<ChildProcess> {
  const mounts = HIDDEN.map((dir) => `if [ -d ${dir} ]; then mount -t tmpfs -o mode=0755 tmpfs ${dir}; fi`);
  // The directories that are missing there are made in a copy of it.
  const ownEtc = [
    'cd "$LAB_DIR"',
    'mkdir etc',
    'mount -t tmpfs -o mode=0755 tmpfs etc',
    'cp -a /etc/. etc',
    'mount --move etc /etc',
    'cd /',
  ];
  const script = [...ownEtc, ...mounts, `mkdir -p /run/user/${AGENT_UID}`, 'echo ready', 'exec sleep infinity'].join('\n');
  const holder = lab.spawn(['/usr/bin/unshare', '--mount', '--propagation', 'private', '/bin/sh', '-ec', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await lineOf(holder);
  return holder;
}

async function lineOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no standard output');
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`ended with ${code}`)));
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string];
  lines.close();
  return line;
}

async function startFleetIn(spawn: EnforcedDesk['spawn']) {
  const program = path.join(repoRoot, 'test', 'servers', 'fleet', 'main.ts');
  const child = spawn([...tsx, program], { stdio: ['pipe', 'pipe', 'inherit'] });
  if (!child.stdout || !child.stdin) throw new Error('no pipes');
  const waiting: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line));
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the fleet ended with ${code}`)));
  ended.catch(() => {});
  const answer = () => Promise.race([ended, new Promise<string>((resolve) => waiting.push(resolve))]);
  const { url, ticket } = JSON.parse(await answer()) as { url: string; ticket: string };
  return {
    url,
    ticket,
    async ask(command: object): Promise<unknown> {
      const told = answer();
      child.stdin?.write(`${JSON.stringify(command)}\n`);
      const reply = JSON.parse(await told) as { ok: boolean; value?: unknown; error?: string };
      if (!reply.ok) throw new Error(reply.error);
      return reply.value;
    },
  };
}

function policyOf(text: string, revision: number, change: (file: Record<string, unknown>) => void): Policy {
  const file = parse(text) as Record<string, unknown>;
  file.revision = revision;
  file.base = 'none';
  file.gate = { mode: 'enforce', maxDrainMs: 600_000 };
  file.rules = [
    {
      check: 'network.egress-canary',
      params: { canaries: [{ host: canary.host, port: 443 }] },
      ...{ everyMs: 1_000, settleMs: 0, graceMs: 0, recoverRuns: 1 },
      on: { fail: 'block', degraded: 'note', unknown: 'note' },
    },
  ];
  change(file);
  return resolvePolicy(PolicyFile.parse(file), catalog);
}

/** The site's own firewall answers for the canary, so that nothing else of the network changes. */
export async function setCanary(lab: Lab, isReachable: boolean): Promise<void> {
  const script = isReachable
    ? 'table inet canary {}\ndelete table inet canary\n'
    : `table inet canary {}\ndelete table inet canary\ntable inet canary { chain input { type filter hook input priority -10; ip daddr ${canary.address} tcp dport 443 reject with tcp reset\n }\n }\n`;
  const { code, stderr } = await lab.execInSite([toolPath('nft'), '-f', '-'], { input: script });
  if (code !== 0) throw new Error(stderr);
}

export async function startDaemon(spawn: EnforcedDesk['spawn'], by: readonly string[]): Promise<RunningDaemon> {
  const child = spawn([...by, 'daemon'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: LogLine[] = [];
  let woken: () => void = () => {};
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(JSON.parse(line) as LogLine);
      woken();
    });
  }
  const ended = once(child, 'exit') as Promise<[number | null]>;
  return {
    process: child,
    log: () => [...lines],
    async when(holds, afterMs) {
      const deadline = performance.now() + WAIT_MS;
      for (;;) {
        const line = lines.find((one) => Date.parse(one.at) >= afterMs && holds(one));
        if (line) return Date.parse(line.at);
        if (performance.now() > deadline) throw new Error(`not in the log within ${WAIT_MS} ms: ${JSON.stringify(lines.slice(-5))}`);
        await Promise.race([delay(200), new Promise<void>((resolve) => (woken = resolve))]);
      }
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const [code] = await ended;
      return code;
    },
  };
}

export interface AgentAtWork {
  seen(): readonly { atMs: number; what: string; state: string }[];
  media(perSecond: number): void;
  /** When this was first so at or after `afterMs`; null while it is not yet. */
  since(what: string, state: RegExp, afterMs: number): number | null;
  until(what: string, state: RegExp, afterMs: number, withinMs?: number): Promise<number>;
  stop(): Promise<void>;
}

/** A real browser and real packets, under the agent's uid; or the packets alone. */
export async function startAgent(desk: EnforcedDesk, { browser = true } = {}): Promise<AgentAtWork> {
  const home = path.join(desk.lab.dir, 'home');
  await mkdir(home, { recursive: true });
  await chown(home, AGENT_UID, AGENT_UID);
  const argv = asAgent([...tsProgram('agent-at-work.ts'), ...(browser ? [] : ['--no-browser'])]);
  const env = { HOME: home, TMPDIR: home, XDG_RUNTIME_DIR: home };
  const child = desk.spawn(argv, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const seen: { atMs: number; what: string; state: string }[] = [];
  if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => seen.push(JSON.parse(line) as (typeof seen)[number]));
  const agent: AgentAtWork = {
    seen: () => seen,
    media: (perSecond) => void child.stdin?.write(`${JSON.stringify({ udp: perSecond })}\n`),
    since(what, state, afterMs) {
      const about = seen.filter((one) => one.what === what);
      const before = about.filter((one) => one.atMs < afterMs).at(-1);
      if (before && state.test(before.state)) return afterMs;
      return about.find((one) => one.atMs >= afterMs && state.test(one.state))?.atMs ?? null;
    },
    async until(what, state, afterMs, withinMs = WAIT_MS) {
      const deadline = performance.now() + withinMs;
      for (;;) {
        const atMs = agent.since(what, state, afterMs);
        if (atMs !== null) return atMs;
        if (performance.now() > deadline) throw new Error(`${what} not ${state} within ${withinMs} ms: ${JSON.stringify(seen.slice(-8))}`);
        await delay(20);
      }
    },
    async stop() {
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    },
  };
  agent.media(0);
  await agent.until('media', /off/, 0);
  if (browser) {
    await agent.until('navigation', /opens/, 0);
    await agent.until('websocket', /open/, 0);
  }
  return agent;
}
