import { randomUUID } from 'node:crypto';
import { Report } from '../../contracts/report.ts';
import { StoreError, toStoreError } from '../store/store-error.ts';
import type { ReportKind } from './outbox-line.ts';
import { type OutboxLog, openOutboxLog } from './outbox-log.ts';

export const MAX_OUTBOX_BYTES = 50 * 1024 * 1024;
export const MAX_OUTBOX_AGE_MS = 30 * 24 * 60 * 60_000;

/** `corrupt`: a report is lost. `dropped`: reports were given up, by room or age. `unusable`: the disk does not do as asked. */
export interface OutboxFault {
  code: 'corrupt' | 'dropped' | 'unusable';
  detail: string;
}

export interface Outbox {
  /**
   * Resolves once the report survives a power cut. The outbox gives it its place, and no place is given twice, whatever is
   * killed when. Rejects with a `StoreError`, and the report is then not kept: make a fresh, full one later. (After a kill
   * during a failing write it may be sent all the same.)
   */
  append(make: (id: string, epoch: string, seq: number) => Report, about: { kind: ReportKind }): Promise<void>;
  /** The oldest; null when none waits. Rejects with a `StoreError`. */
  peek(): Promise<{ report: Report } | null>;
  /** It is not peeked again, unless the computer or the daemon ends too soon: then it is sent twice. Never rejects. */
  acknowledge(id: string): Promise<void>;
  /** Another report has a number of ours: what waits counts anew from 0, with the ids it has. Rejects with a `StoreError`. */
  newEpoch(epoch: string): Promise<void>;
  /** `bytes` on the disk; `dropped` since the start. */
  stats(): { reports: number; bytes: number; dropped: number };
  close(): Promise<void>;
}

export interface OutboxSettings {
  dir: string;
  /** Of this state directory and boot. A restart within it counts on, after `newEpoch` in the newer one. */
  epoch: string;
  wallMs: () => number;
  /** On the disk, whenever a report is appended; marks of what was sent or counted anew may exceed it until the next. */
  maxBytes?: number;
  /** By `madeAt`. False positive: a clock set forward by more drops what is still good. */
  maxAgeMs?: number;
  onFault: (fault: OutboxFault) => void;
}

interface Waiting {
  make: (id: string, epoch: string, seq: number) => Report;
  kind: ReportKind;
  resolve: () => void;
  reject: (error: StoreError) => void;
}

/** One process at a time. A directory that cannot be used now is tried again at every call. */
export async function openOutbox({ dir, epoch, wallMs, onFault, ...bounds }: OutboxSettings): Promise<Outbox> {
  const { maxBytes = MAX_OUTBOX_BYTES, maxAgeMs = MAX_OUTBOX_AGE_MS } = bounds;
  let log: OutboxLog | null = null;
  let dropped = 0;
  let waiting: Waiting[] = [];

  let last: Promise<unknown> = Promise.resolve();
  function inTurn<R>(task: (log: OutboxLog) => Promise<R>): Promise<R> {
    const turn = last.then(async () => task(await opened()));
    last = turn.catch(() => {});
    return turn;
  }

  async function opened(): Promise<OutboxLog> {
    const onCorrupt = (detail: string) => onFault({ code: 'corrupt', detail });
    log ??= await openOutboxLog({ dir, epoch, maxBytes, onCorrupt, onDropped: (count) => drop(count, 'no room') });
    return log;
  }

  function drop(count: number, why: string): void {
    dropped += count;
    if (count > 0) onFault({ code: 'dropped', detail: `${count} reports: ${why}` });
  }

  function unusable(error: unknown): void {
    onFault({ code: 'unusable', detail: toStoreError(error, dir).message });
  }

  /** All that wait share one sync. */
  async function flush(open: OutboxLog): Promise<void> {
    const batch = waiting;
    waiting = [];
    drop(open.dropOlder(wallMs() - maxAgeMs), 'too old');
    const first = open.next();
    const made: { report: Report; kind: ReportKind }[] = [];
    const theirs: Waiting[] = [];
    for (const one of batch) {
      try {
        made.push({ report: stamped(one.make, first.epoch, first.seq + made.length), kind: one.kind });
        theirs.push(one);
      } catch (error) {
        one.reject(new StoreError('not-storable', error instanceof Error ? error.message.slice(0, 500) : 'not a report', error));
      }
    }
    if (made.length === 0) return;
    try {
      await open.add(made);
      for (const { resolve } of theirs) resolve();
    } catch (error) {
      for (const { reject } of theirs) reject(toStoreError(error, dir));
    }
  }

  await inTurn(async () => {}).catch(unusable);
  return {
    append: (make, { kind }) =>
      new Promise((resolve, reject) => {
        // One turn for all: a queue of turns that grows with every burst would keep the sender waiting.
        if (waiting.push({ make, kind, resolve, reject }) > 1) return;
        inTurn(flush).catch((error) => {
          for (const one of waiting.splice(0)) one.reject(toStoreError(error, dir));
        });
      }),
    peek: () =>
      inTurn(async (open) => {
        for (const entry of open.waiting()) {
          const report = await open.read(entry);
          if (report) return { report };
          onFault({ code: 'corrupt', detail: `report ${entry.id}` });
          await open.remove(entry.id);
        }
        return null;
      }),
    acknowledge: (id) => inTurn((open) => open.remove(id)).catch(unusable),
    newEpoch: (next) => inTurn((open) => open.restamp(next)),
    stats: () => ({ reports: log?.size() ?? 0, bytes: log?.bytes() ?? 0, dropped }),
    close: () => inTurn((open) => open.close()).catch(() => {}),
  };
}

/** What could not be read back is refused now. */
function stamped(make: Waiting['make'], epoch: string, seq: number): Report {
  const id = randomUUID();
  const report = Report.parse(make(id, epoch, seq));
  if (report.id !== id || report.epoch !== epoch || report.seq !== seq) throw new Error('the report has another place than it was given');
  return report;
}
