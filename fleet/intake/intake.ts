import type { HeartbeatAnswer, ReportAnswer } from '../../contracts/fleet-api.ts';
import { FleetFault } from '../http/fault.ts';
import { type Batcher, createBatcher } from './batcher.ts';
import type { InstanceScope } from './desk-rows.ts';
import { type PreparedReport, prepareReport } from './prepared-report.ts';
import { readHeartbeat, readReport } from './read-report.ts';
import { RETRY_AFTER_SEC } from './store-fault.ts';
import { type Beat, type Heard, type HeartbeatDeps, storeHeartbeats } from './store-heartbeats.ts';
import { type StoreDeps, type Stored, storeReports } from './store-reports.ts';
import { type Written, writeBatch } from './write-batch.ts';

export interface IntakeLimits {
  maxWaiting: number;
  maxWaitingBytes: number;
  maxBatch: number;
  /** Connections that intake takes of the pool, for reports and for heartbeats each. */
  maxInFlight: number;
}

export interface IntakeDeps extends StoreDeps, HeartbeatDeps {
  /** Checks that this version has; findings of others are kept unjudged. */
  knownChecks: ReadonlySet<string>;
  /** A batch that was written again, with the reason. */
  onRetry(error: unknown): void;
  /** Sealed fields of a report were not stored. */
  onSealedRefused(): void;
  limits?: Partial<IntakeLimits>;
}

/** Who calls, by the certificate. */
export interface Caller extends InstanceScope {
  device: string;
}

export interface Intake {
  /** Resolves after the commit. */
  report(caller: Caller, body: unknown): Promise<ReportAnswer>;
  heartbeat(caller: Caller, body: unknown): Promise<HeartbeatAnswer>;
  /** Reports and heartbeats that are not yet answered. */
  waiting(): { reports: number; heartbeats: number };
  /** Takes nothing more in, and resolves once all that was taken in is answered. */
  stop(): Promise<void>;
}

// Two seconds of the budgeted load: a desk that waits longer gives up no sooner than one that was told to come again.
const defaults: IntakeLimits = { maxWaiting: 4_096, maxWaitingBytes: 64 * 1024 * 1024, maxBatch: 256, maxInFlight: 2 };
/** Costs a lone report little, and lets those of a storm find one another. */
const LINGER_MS = 4;
const HEARTBEAT_BYTES = 2_000;

export function createIntake(deps: IntakeDeps): Intake {
  const limits = { ...defaults, ...deps.limits, lingerMs: LINGER_MS };
  let stopping = false;

  function batched<Item, Outcome>(store: (scope: InstanceScope, items: readonly Item[]) => Promise<readonly Outcome[]>) {
    return createBatcher<Item, Written<Outcome>>({
      ...limits,
      run: (scope, items) => writeBatch(items, (some) => store(scopeOf(scope), some), deps.onRetry),
    });
  }

  const reports = batched<PreparedReport, Stored>((scope, items) => storeReports(deps, scope, items));
  const heartbeats = batched<Beat, Heard>((scope, items) => storeHeartbeats(deps, scope, items));

  async function submit<Item, Outcome>(
    batcher: Batcher<Item, Written<Outcome>>,
    caller: Caller,
    item: Item,
    bytes: number,
  ): Promise<Outcome> {
    if (stopping) throw new FleetFault('unavailable', 'this server is stopping', { retryAfterSec: RETRY_AFTER_SEC });
    const { tenant, instance, device } = caller;
    const answer = batcher.submit({ scope: `${tenant}/${instance}`, lane: device, bytes, item });
    if (answer === null) throw new FleetFault('slow-down', 'more comes in than can be stored', { retryAfterSec: RETRY_AFTER_SEC });
    const written = await answer;
    if (!written.ok) throw written.fault;
    return written.outcome;
  }

  return {
    async report(caller, body) {
      const report = prepareReport(readReport(body, caller.device), deps.knownChecks);
      const stored = await submit(reports, caller, report, report.bytes);
      if (stored.kind === 'refused')
        throw new FleetFault(stored.code, stored.detail, stored.path === undefined ? {} : { path: stored.path });
      if (stored.sealedFault !== null) deps.onSealedRefused();
      return { schema: 1, accepted: true, sealedFault: stored.sealedFault };
    },
    async heartbeat(caller, body) {
      const heartbeat = readHeartbeat(body);
      const heard = await submit(heartbeats, caller, { device: caller.device, heartbeat }, HEARTBEAT_BYTES);
      if (heard.kind === 'unknown') throw new FleetFault('not-enrolled', 'no such device');
      return heard.answer;
    },
    waiting: () => ({ reports: reports.waiting(), heartbeats: heartbeats.waiting() }),
    async stop() {
      stopping = true;
      await Promise.all([reports.drained(), heartbeats.drained()]);
    },
  };
}

function scopeOf(key: string): InstanceScope {
  const [tenant = '', instance = ''] = key.split('/');
  return { tenant, instance };
}
