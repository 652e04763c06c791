import type { GateState } from '../../contracts/gate.ts';
import type { LogLine } from '../e2e/gate/enforced-desk.ts';

// Times are of the wall clock, which all processes of a desk share.

/** One try of the agent's to reach the CCP. */
export interface Attempt {
  what: 'tcp' | 'udp';
  fromMs: number;
  ended: 'through' | 'refused' | 'silence';
}

/** From when something is so that blocks, until the test begins to mend it. It begins behind a gate that is open, on the disk too. */
export interface BlockedTime {
  brokenMs: number;
  /** Until then a critical rule blocks, too, and nothing is waited for. */
  criticalUntilMs: number;
  mendedMs: number;
}

/** One process of the daemon. */
export interface Life {
  lines: readonly LogLine[];
  startedMs: number | null;
  endedMs: number;
  /** On the disk when it was started. */
  gateBefore: GateState | null;
  /** When its local API said `closed`. */
  saidClosedMs: readonly number[];
}

/** From then on, until it is mended, nothing of the agent's gets through. */
export interface Shut {
  fromMs: number;
  untilMs: number;
  because: keyof typeof reasons;
}

/** A daemon that says `closed` and lives on has it closed by then: a disk that hangs is waited for, for 2 s. */
const HELD_WITHIN_MS = 4_000;
/** What was closed when the daemon was killed: where nothing was left shut, it first looks for a call, for 3 s. */
const BACK_WITHIN_MS = 7_000;
/** The same look, a critical rule that runs every second, and nft. */
const CLOSED_WITHIN_MS = 7_000;

type Reason = (time: BlockedTime, lives: readonly Life[], attempts: readonly Attempt[]) => (number | null)[];

/** Each gives moments from which on the gate must be shut. */
const reasons = {
  'the daemon had read back that it is closed': (_, lives) => lives.flatMap(({ lines }) => lines.filter(isConfirmed).map(atMs)),
  'the agent was refused': ({ brokenMs }, _, attempts) => {
    return attempts.filter(({ fromMs, ended }) => fromMs > brokenMs && ended === 'refused').map(({ fromMs }) => fromMs);
  },
  'the daemon said closed, and lived on': ({ brokenMs }, lives) =>
    lives.flatMap(({ lines, saidClosedMs, endedMs }) =>
      [...lines.filter(({ event, state }) => event === 'gate' && state === 'closed').map(atMs), ...saidClosedMs]
        .filter((saidMs) => saidMs > brokenMs)
        .map((saidMs) => lived(saidMs, HELD_WITHIN_MS, endedMs)),
    ),
  'it was closed on the disk, and the daemon is back': ({ brokenMs }, lives) =>
    lives
      .filter(({ gateBefore, startedMs }) => gateBefore === 'closed' && startedMs !== null && startedMs >= brokenMs)
      .map(({ startedMs, endedMs }) => lived(startedMs ?? 0, BACK_WITHIN_MS, endedMs)),
  'a critical rule failed before a living daemon': ({ brokenMs, criticalUntilMs }, lives) =>
    lives.map(({ startedMs, endedMs }) =>
      startedMs === null ? null : lived(Math.max(startedMs, brokenMs), CLOSED_WITHIN_MS, Math.min(endedMs, criticalUntilMs)),
    ),
} satisfies Record<string, Reason>;

function lived(fromMs: number, forMs: number, endedMs: number): number | null {
  return fromMs + forMs <= endedMs ? fromMs + forMs : null;
}

function isConfirmed({ event, enforcers }: LogLine): boolean {
  if (event !== 'enforcers') return false;
  const found = enforcers as { enforcer: string; wanted: string; state: string }[];
  return found.some(({ enforcer, wanted, state }) => enforcer === 'egress' && wanted === 'closed' && state === 'confirmed');
}

function atMs({ at }: LogLine): number {
  return Date.parse(at);
}

/** Since when the gate must be shut in this time; null when nothing asked for it. Pure. */
export function shutIn(time: BlockedTime, lives: readonly Life[], attempts: readonly Attempt[]): Shut | null {
  const all = Object.entries(reasons).flatMap(([because, reason]) =>
    (reason as Reason)(time, lives, attempts).flatMap((fromMs) =>
      fromMs !== null && fromMs > time.brokenMs && fromMs < time.mendedMs
        ? [{ fromMs, untilMs: time.mendedMs, because: because as Shut['because'] }]
        : [],
    ),
  );
  return all.sort((a, b) => a.fromMs - b.fromMs)[0] ?? null;
}

/** What got through while the gate had to be shut. Pure. */
export function openingsIn({ fromMs, untilMs }: Shut, attempts: readonly Attempt[]): Attempt[] {
  return attempts.filter((one) => one.ended === 'through' && one.fromMs > fromMs && one.fromMs < untilMs);
}
