// A process of its own, told by its parent what to send: enrols desks, and has them report by turns over the connection that each keeps.
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Finding } from '../../../contracts/finding.ts';
import type { Report } from '../../../contracts/report.ts';
import { aFinding, aHeartbeat, aReport, failing } from '../../fleet/intake/desk-reports.ts';
import { type EnrolledDesk, type EnrolOrder, enrolDesks } from './enrol-desks.ts';

/** first: every desk once, in full. The others until their time is over. */
export interface Phase {
  kind: 'first' | 'unchanged' | 'changed' | 'mixed';
  seconds: number;
  /** Calls at a time. */
  concurrency: number;
}

export interface PhaseResult {
  sent: number;
  refused: number;
  seconds: number;
  p50: number;
  p99: number;
  /** Of one body. */
  bytes: number;
  cpuSeconds: number;
}

export type Told = { enrol: EnrolOrder } | { phase: Phase };
export type Answered = { enrolled: { desks: number; seconds: number } } | { result: PhaseResult } | { error: string };

interface Desk extends EnrolledDesk {
  epoch: string;
  seq: number;
  bad: boolean;
}

/** Of calls in a mixed phase; the rest are reports of what is as it was. */
const HEARTBEAT_SHARE = 0.5;
const CHANGED_SHARE = 0.15;
const ALWAYS_SINCE = new Date(Date.now() - 3_600_000).toISOString();
const RULES = 'turn-udp hosts dns websocket handshake interception clock portal latency quality egress fresh'.split(' ');

let desks: Desk[] = [];

process.on('message', (told: Told) => {
  const work = 'enrol' in told ? enrolled(told.enrol) : run(told.phase).then((result): Answered => ({ result }));
  work.catch((error): Answered => ({ error: String(error) })).then((answer) => process.send?.(answer));
});

async function enrolled(order: EnrolOrder): Promise<Answered> {
  const started = performance.now();
  desks = (await enrolDesks(order)).map((desk) => ({ ...desk, epoch: randomUUID(), seq: -1, bad: false }));
  return { enrolled: { desks: desks.length, seconds: (performance.now() - started) / 1_000 } };
}

async function run({ kind, seconds, concurrency }: Phase): Promise<PhaseResult> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const until = started + seconds * 1_000;
  const latencies: number[] = [];
  const free = [...desks];
  let [begun, refused, bytes] = [0, 0, 0];
  async function sender(): Promise<void> {
    while (kind === 'first' ? begun < desks.length : performance.now() < until) {
      // The one that has waited longest, and never two calls of one desk at a time.
      const desk = free.shift();
      if (!desk) return;
      begun += 1;
      const [path, body] = callOf(desk, kind);
      bytes += body.length;
      const at = performance.now();
      const { status } = await desk.connection.post(path, body).catch(() => ({ status: 0 }));
      if (status !== 200) refused += 1;
      latencies.push(performance.now() - at);
      free.push(desk);
    }
  }
  await Promise.all(Array.from({ length: concurrency }, sender));
  const took = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const quantile = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  const sent = latencies.length;
  return {
    ...{ sent, refused, seconds: took, p50: quantile(0.5), p99: quantile(0.99), bytes: bytes / sent },
    cpuSeconds: (user + system) / 1e6,
  };
}

function callOf(desk: Desk, kind: Phase['kind']): [path: string, body: string] {
  const dice = kind === 'mixed' ? Math.random() : 1;
  if (dice < HEARTBEAT_SHARE) {
    const heartbeat = aHeartbeat({ sentAt: new Date().toISOString(), standing: desk.bad ? 'blocked' : 'clear' });
    return ['/device/v1/heartbeat', JSON.stringify(heartbeat)];
  }
  const changes = kind === 'changed' || dice < HEARTBEAT_SHARE + CHANGED_SHARE;
  if (changes) desk.bad = !desk.bad;
  desk.seq += 1;
  return ['/device/v1/reports', JSON.stringify(reportOf(desk, changes))];
}

/** A whole report where nothing changed, as a desk makes it once a day; else the two findings that did. */
function reportOf({ id, epoch, seq, bad }: Desk, changes: boolean): Report {
  const now = new Date().toISOString();
  const times = { observedAt: now, since: changes ? now : ALWAYS_SINCE, tookMs: seq % 1_000 };
  const findings: Finding[] = RULES.slice(0, changes ? 2 : RULES.length).map((rule, index) =>
    bad && index < 2 ? failing(rule, 'udp-blocked', times) : aFinding(rule, times),
  );
  const made = aReport(id, { ...{ id: randomUUID(), epoch, seq, madeAt: now }, causes: bad ? RULES.slice(0, 2) : [], findings });
  const standing = bad ? 'blocked' : 'clear';
  return { ...made, scope: changes ? 'changes' : 'full', verdict: { ...made.verdict, standing } };
}
