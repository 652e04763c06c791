// A process of its own, told by its parent what to send: desks that report by turns, each one report at a time.
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Finding } from '../../../contracts/finding.ts';
import type { Report } from '../../../contracts/report.ts';
import { aFinding, aReport, failing } from '../../fleet/intake/desk-reports.ts';

/** first: every desk once, in full. The others until their time is over. */
export interface Phase {
  kind: 'first' | 'unchanged' | 'changed' | 'mixed';
  seconds: number;
}

export interface Order {
  port: number;
  devices: string[];
  findings: number;
  concurrency: number;
}

export interface PhaseResult {
  sent: number;
  refused: number;
  seconds: number;
  p50: number;
  p99: number;
  /** Of one request. */
  bytes: number;
}

interface Desk {
  id: string;
  seq: number;
  bad: boolean;
}

/** Of reports in a mixed phase. */
const CHANGED_SHARE = 0.3;
const RULES = [
  'turn-udp',
  'hosts',
  'dns',
  'websocket',
  'handshake',
  'interception',
  'clock',
  'portal',
  'latency',
  'quality',
  'egress',
  'fresh',
];

let order: Order | null = null;
let desks: Desk[] = [];
let agent = new Agent();

process.on('message', (message: { order: Order } | { phase: Phase }) => {
  if ('order' in message) {
    order = message.order;
    desks = order.devices.map((id) => ({ id, seq: -1, bad: false }));
    agent = new Agent({ keepAlive: true, maxSockets: order.concurrency });
    process.send?.({ ready: true });
  } else void run(message.phase).then((result) => process.send?.({ result }));
});

async function run({ kind, seconds }: Phase): Promise<PhaseResult> {
  const { concurrency = 1 } = order ?? {};
  const started = performance.now();
  const until = started + seconds * 1_000;
  const latencies: number[] = [];
  let [next, refused, bytes] = [0, 0, 0];
  async function sender(): Promise<void> {
    while (kind === 'first' ? next < desks.length : performance.now() < until) {
      const desk = desks[next++ % desks.length];
      if (!desk) return;
      const changes = kind === 'changed' || (kind === 'mixed' && Math.random() < CHANGED_SHARE);
      if (changes) desk.bad = !desk.bad;
      desk.seq += 1;
      const body = JSON.stringify(reportOf(desk, changes));
      bytes += body.length;
      const at = performance.now();
      if ((await post(desk.id, body)) !== 200) refused += 1;
      latencies.push(performance.now() - at);
    }
  }
  await Promise.all(Array.from({ length: concurrency }, sender));
  latencies.sort((a, b) => a - b);
  const quantile = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  const sent = latencies.length;
  return { sent, refused, seconds: (performance.now() - started) / 1_000, p50: quantile(0.5), p99: quantile(0.99), bytes: bytes / sent };
}

/** A whole report where nothing changed, as a desk makes it once a day; else the one finding that did. */
function reportOf(desk: Desk, changes: boolean): Report {
  const now = new Date().toISOString();
  const turn = desk.bad ? failing('turn-udp', 'udp-blocked', { since: now }) : aFinding('turn-udp');
  const findings: Finding[] = changes
    ? [turn]
    : [turn, ...RULES.slice(1, order?.findings ?? RULES.length).map((rule) => aFinding(rule, { observedAt: now, tookMs: desk.seq }))];
  return aReport(desk.id, {
    id: randomUUID(),
    seq: desk.seq,
    scope: changes ? 'changes' : 'full',
    madeAt: now,
    standing: desk.bad ? 'blocked' : 'clear',
    causes: desk.bad ? ['turn-udp'] : [],
    findings,
  });
}

function post(device: string, body: string): Promise<number> {
  return new Promise((resolve) => {
    const headers = { 'x-device': device, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const call = request({ host: '127.0.0.1', port: order?.port, method: 'POST', path: '/', agent, headers }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    call.on('error', () => resolve(0));
    call.end(body);
  });
}
