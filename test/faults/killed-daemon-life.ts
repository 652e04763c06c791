import { once } from 'node:events';
import { existsSync, type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { connectLocalApi } from '../../agent/local-api/client.ts';
import { localApiPath } from '../../contracts/local-link/address.ts';
import type { LocalApiClient } from '../../contracts/local-link/connect.ts';
import { VerdictState } from '../../contracts/state.ts';
import type { EnforcedDesk, LogLine } from '../e2e/gate/enforced-desk.ts';
import type { Dice } from './fault.ts';
import type { Life } from './killed-daemon-gate.ts';

const ASK_EVERY_MS = 100;
/** An instant that does not come is not waited for any longer. */
const LONGEST_MS = 8_000;

/** When to kill: some time after the start, or soon after the first thing of a kind that happens from then on. */
export interface Instant {
  name: string;
  afterMs: number;
  line?: RegExp;
  /** Under the state directory or in its outbox. */
  file?: RegExp;
  thenMs: number;
}

/** The windows that a daemon must survive, half of the kills anywhere. Every call throws the dice as often. */
export function throwInstant(dice: Dice): Instant {
  const share = () => dice.below(1_000) / 1_000;
  const [which, when, then] = [share(), share(), share()];
  const kinds: readonly [often: number, instant: Instant][] = [
    [0.37, { name: 'any', afterMs: when * 5_000, thenMs: 0 }],
    [0.1, { name: 'start', afterMs: when * 1_000, thenMs: 0 }],
    [0.08, { name: 'late', afterMs: 5_000 + when * 4_000, thenMs: 0 }],
    [0.05, { name: 'lock', afterMs: 0, file: /^daemon\.lock$/, thenMs: then * 60 }],
    [0.1, { name: 'state', afterMs: when * 3_000, file: /^\.?verdict\.json/, thenMs: then * 4 }],
    [0.1, { name: 'ledger', afterMs: when * 1_000, file: /^\.?ledger\.json/, thenMs: then * 8 }],
    [0.08, { name: 'outbox', afterMs: when * 2_000, file: /^\.?segment-/, thenMs: then * 12 }],
    [0.08, { name: 'gate', afterMs: when * 1_500, line: /"event":"gate"/, thenMs: then * 60 }],
    [0.04, { name: 'verdict', afterMs: when * 1_500, line: /"event":"verdict"/, thenMs: then * 40 }],
  ];
  let left = which;
  for (const [often, instant] of kinds) {
    left -= often;
    if (left < 0) return instant;
  }
  return { name: 'any', afterMs: when * 5_000, thenMs: 0 };
}

export interface LivingDaemon extends Life {
  stderr: string;
  /** How it ended: of its own, or by a signal. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Resolves at the instant, or when it ended before. */
  until(instant: Instant): Promise<void>;
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts the daemon, reads its log, and asks it all the time. */
export async function startLife(desk: EnforcedDesk, cli: readonly string[]): Promise<LivingDaemon> {
  const stateDir = path.join(desk.lab.dir, 'state');
  const gateBefore = await gateOnDisk(stateDir);
  const child = desk.spawn([...cli, 'daemon'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: LogLine[] = [];
  const saidClosedMs: number[] = [];
  const over = new AbortController();
  let onLine: (line: string) => void = () => {};
  const ended = once(child, 'exit').then(([code, signal]) => {
    life.endedMs = Math.min(life.endedMs, Date.now());
    over.abort();
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  const said = (line: RegExp) => new Promise<void>((resolve) => (onLine = (text) => line.test(text) && resolve()));
  const life: LivingDaemon = {
    ...{ lines, saidClosedMs, gateBefore, ended },
    ...{ startedMs: null, endedMs: Number.POSITIVE_INFINITY, stderr: '' },
    async until({ afterMs, line, file, thenMs }) {
      await delay(afterMs, undefined, { signal: over.signal }).catch(() => {});
      const closing = new AbortController();
      const came = line ? said(line) : file && written(stateDir, file, closing.signal);
      if (came) await Promise.race([came, ended, delay(LONGEST_MS - afterMs, undefined, { signal: closing.signal }).catch(() => {})]);
      closing.abort();
      // Well below a timer's resolution, too.
      for (const startMs = performance.now(); performance.now() - startMs < thenMs; ) if (thenMs > 5) await delay(1);
    },
    async end(signal) {
      life.endedMs = Date.now();
      child.kill(signal);
      await Promise.all([ended, read, asking]);
    },
  };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (life.stderr += text));
  if (!child.stdout) throw new Error('no standard output');
  const reader = createInterface({ input: child.stdout });
  const read = once(reader, 'close');
  reader.on('line', (text) => {
    onLine(text);
    const line = readLine(text);
    if (!line) return;
    lines.push(line);
    if (line.event === 'started') life.startedMs = Date.parse(line.at);
  });
  const asking = ask(localApiPath(path.join(desk.lab.dir, 'run'), 0), over.signal, saidClosedMs);
  return life;
}

/** The last line of a process that was killed may be a part of one. */
function readLine(text: string): LogLine | null {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return null;
  }
}

export async function gateOnDisk(stateDir: string): Promise<Life['gateBefore']> {
  const text = await readFile(path.join(stateDir, 'verdict.json'), 'utf8').catch(() => null);
  return text === null ? null : (VerdictState.parse(JSON.parse(text)).gate?.state ?? null);
}

/** Resolves when such a file is made, written or renamed. */
async function written(stateDir: string, name: RegExp, until: AbortSignal): Promise<void> {
  const watchers: FSWatcher[] = [];
  try {
    await new Promise<void>((resolve) => {
      for (const dir of [stateDir, path.join(stateDir, 'outbox')].filter((one) => existsSync(one))) {
        watchers.push(watch(dir, (_, file) => void (file !== null && name.test(file) && resolve())));
      }
      until.addEventListener('abort', () => resolve());
    });
  } finally {
    for (const watcher of watchers) watcher.close();
  }
}

/** Programs of the desk's users ask as long as there is somebody to ask. */
async function ask(socketPath: string, until: AbortSignal, saidClosedMs: number[]): Promise<void> {
  let client: LocalApiClient | null = null;
  while (!until.aborted) {
    try {
      client ??= await connectLocalApi({ path: socketPath });
      const answer = await client.snapshot();
      if (answer.ok && answer.value.gate.state === 'closed') saidClosedMs.push(Date.now());
    } catch {
      client?.close();
      client = null;
    }
    await delay(ASK_EVERY_MS, undefined, { signal: until }).catch(() => {});
  }
  client?.close();
}
