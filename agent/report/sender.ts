import { randomUUID } from 'node:crypto';
import type { Clock } from '../../checks/host.ts';
import type { DeviceFaultCode } from '../../contracts/fleet-api.ts';
import type { Report } from '../../contracts/report.ts';
import type { Outbox } from './outbox.ts';

/** `refused`: for good, this report. `not-allowed`: this desk, until something is done about it. */
export type SendResult =
  | { kind: 'accepted' }
  | { kind: 'retry'; detail: string; afterMs?: number }
  | { kind: 'refused'; code: Extract<DeviceFaultCode, 'bad-request' | 'too-large' | 'unsupported-schema'>; detail: string }
  | { kind: 'sequence-taken' }
  | { kind: 'not-allowed'; code: Extract<DeviceFaultCode, 'not-enrolled' | 'revoked'> };

/** `unusable`: the outbox, or where refused reports are kept. */
export interface SenderFault {
  code: 'refused' | 'not-allowed' | 'new-epoch' | 'unusable';
  detail: string;
}

export interface SenderSettings {
  outbox: Pick<Outbox, 'peek' | 'acknowledge' | 'newEpoch'>;
  /** Heeds the signal; rejecting is as `retry`. */
  send: (report: Report, signal: AbortSignal) => Promise<SendResult>;
  setAside: (report: Report, code: DeviceFaultCode) => Promise<void>;
  clock: Pick<Clock, 'monotonicMs'>;
  random: () => number;
  onFault: (fault: SenderFault) => void;
}

export interface Sender {
  /** A report came into the outbox. It waits its turn: nobody sends sooner for it. */
  more(): void;
  /** There is hope: another network, a heartbeat answered, enrolled anew. Sends at once, but not before the fleet said to. */
  kick(): void;
  status(): SenderStatus;
  /** Resolves once nothing is in flight. */
  stop(): Promise<void>;
}

export interface SenderStatus {
  state: 'idle' | 'sending' | 'waiting' | 'paused';
  /** Why the last report was not taken; null when it was. */
  trouble: string | null;
}

/** A fleet that has not answered by then will not. */
export const SEND_DEADLINE_MS = 60_000;
export const FIRST_BACKOFF_MS = 1_000;
export const LONGEST_BACKOFF_MS = 5 * 60_000;
const SHORTEST_BACKOFF_MS = 100;
/** However long the fleet asks for, it is not for ever. */
export const LONGEST_ASKED_MS = 60 * 60_000;
/** Desks that were told the same time do not all come back in the same second. */
const JITTER = 0.1;

/**
 * Sends what waits, one at a time, the oldest first. Whatever is not taken is followed by a pause that doubles (with full
 * jitter) until something is taken, a refusal for good too: a fleet that refuses everything empties the queue slowly.
 */
export function createSender({ outbox, send, setAside, clock, random, onFault }: SenderSettings): Sender {
  const ending = new AbortController();
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let paused = false;
  let trouble: string | null = null;
  let failures = 0;
  /** Before this the fleet wants to hear nothing. */
  let askedMs = Number.NEGATIVE_INFINITY;
  /** A report came in while the queue was found empty. */
  let again = false;

  async function drain(): Promise<void> {
    for (let taken = true; taken && !ending.signal.aborted; ) {
      again = false;
      const next = await outbox.peek();
      if (ending.signal.aborted || (next === null && !again)) return;
      if (next !== null) taken = await handle(next.report);
    }
  }

  /** True when the next one may follow at once. */
  async function handle(report: Report): Promise<boolean> {
    const result = await attempt(report);
    if (ending.signal.aborted && result.kind !== 'accepted') return false;
    switch (result.kind) {
      case 'accepted':
        await outbox.acknowledge(report.id);
        failures = 0;
        trouble = null;
        return true;
      case 'refused':
        tell('refused', `${result.code}: ${result.detail}`);
        await setAside(report, result.code).catch((error) => tell('unusable', String(error)));
        await outbox.acknowledge(report.id);
        break;
      case 'sequence-taken':
        tell('new-epoch', `another report is ${report.epoch} ${report.seq}`);
        await outbox.newEpoch(randomUUID());
        break;
      case 'not-allowed':
        tell('not-allowed', result.code);
        paused = true;
        return false;
      case 'retry':
        trouble = result.detail;
    }
    backOff(result.kind === 'retry' ? result.afterMs : undefined);
    return false;
  }

  async function attempt(report: Report): Promise<SendResult> {
    const limit = new AbortController();
    let timeout: NodeJS.Timeout | undefined;
    const late = new Promise<SendResult>((resolve) => {
      timeout = setTimeout(() => {
        limit.abort();
        resolve({ kind: 'retry', detail: `no answer within ${SEND_DEADLINE_MS} ms` });
      }, SEND_DEADLINE_MS);
      ending.signal.addEventListener('abort', () => resolve({ kind: 'retry', detail: 'stopped' }), { signal: limit.signal });
    });
    try {
      return await Promise.race([send(report, AbortSignal.any([ending.signal, limit.signal])), late]);
    } catch (error) {
      return { kind: 'retry', detail: error instanceof Error ? error.message : String(error) };
    } finally {
      clearTimeout(timeout);
      limit.abort();
    }
  }

  function backOff(afterMs = 0): void {
    failures += 1;
    const mostMs = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 30));
    const ownMs = Math.max(SHORTEST_BACKOFF_MS, random() * mostMs);
    const theirMs = Math.min(LONGEST_ASKED_MS, Math.max(0, afterMs)) * (1 + JITTER * random());
    askedMs = clock.monotonicMs() + theirMs;
    wait(Math.max(ownMs, theirMs));
  }

  function wait(ms: number): void {
    if (ending.signal.aborted) return;
    clearTimeout(timer);
    timer = setTimeout(start, ms);
    // What waits on the disk keeps no process alive.
    timer.unref();
  }

  function start(): void {
    clearTimeout(timer);
    timer = undefined;
    if (running || paused || ending.signal.aborted) return;
    running = drain()
      .catch((error) => {
        tell('unusable', error instanceof Error ? error.message : String(error));
        backOff();
      })
      .finally(() => {
        running = null;
        if (again && timer === undefined) start();
      });
  }

  function tell(code: SenderFault['code'], detail: string): void {
    trouble = `${code}: ${detail}`;
    onFault({ code, detail });
  }

  return {
    more() {
      again = true;
      if (timer === undefined) start();
    },
    kick() {
      paused = false;
      again = true;
      if (running) return;
      failures = 0;
      const leftMs = askedMs - clock.monotonicMs();
      if (leftMs > 0) wait(leftMs);
      else start();
    },
    status() {
      if (running) return { state: 'sending', trouble };
      if (paused) return { state: 'paused', trouble };
      return { state: timer === undefined ? 'idle' : 'waiting', trouble };
    },
    async stop() {
      ending.abort();
      clearTimeout(timer);
      timer = undefined;
      await running;
    },
  };
}
