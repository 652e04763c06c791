import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { AnyCheck } from '../../checks/check.ts';
import type { Platform } from '../../checks/host.ts';
import type { Allowlist } from '../../contracts/allowlist.ts';
import type { Vantage } from '../../contracts/finding.ts';
import type { ActivityJudgement, ActivitySignal } from '../../contracts/gate.ts';
import type { Policy } from '../../contracts/policy.ts';
import type { ActivityReader } from '../activity/reader.ts';
import { openIdentity } from '../fleet-link/identity.ts';
import { createActivityReaders, createEnforcers } from '../gate/gate-parts.ts';
import { judgeActivity } from '../gate/judge-activity.ts';
import { isBarrier, openLedger } from '../gate/ledger.ts';
import { openReleaseStore } from '../gate/release-store.ts';
import { systemClock } from '../host/clock.ts';
import { monotonicMs, openAwakeClock, readBootId } from '../store/awake-clock.ts';
import { openStateFile } from '../store/state-file.ts';
import { daemonOf } from './daemon-lock.ts';
import { openOrderBook, type StandingOrders } from './order-book.ts';
import { watchSessionUsers } from './session-users.ts';
import { type TakenAway, takeAway } from './take-away.ts';

export type AgentLossOutcome =
  | ({ did: 'opened' } & TakenAway)
  /** `lacking`: what it could not close, by enforcer. */
  | { did: 'closed'; lacking: readonly string[] }
  /** `call`: the policy closes, and does so once no call can be on. `daemon-runs`: the daemon is not lost. */
  | { did: 'nothing'; because: 'call' | 'daemon-runs' };

export interface LossSettings {
  stateDir: string;
  platform: Platform;
  checks: readonly AnyCheck[];
  bundled: Allowlist;
  vantageOf: (policy: Policy) => Vantage;
}

/** A call is seen at the second look, its absence at the third: see `QUIET_MS` of media-packets-rate.ts. */
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 4_000;

/** Since when the daemon is lost, in this boot. */
const Loss = z.strictObject({ bootId: z.string().max(100), sinceMs: z.number().nonnegative() });

const lossPath = (stateDir: string) => path.join(stateDir, 'loss.json');

/** The daemon is there: the next loss begins anew. */
export async function endLoss(stateDir: string): Promise<void> {
  await rm(lossPath(stateDir), { force: true }).catch(() => {});
}

/**
 * What the signed policy wants of the gate while there is no daemon. A desk that is not enrolled, or whose documents cannot be
 * read, is open. A call ends by itself: as with the daemon, only what is unknown is bounded by `maxDrainMs`. Rejects with a
 * `StoreError`.
 */
export async function applyAgentLoss(settings: LossSettings): Promise<AgentLossOutcome> {
  const { stateDir, platform } = settings;
  const bootId = await readBootId();
  const isThere = async () => (await daemonOf(stateDir, bootId)) !== null;
  if (await isThere()) return { did: 'nothing', because: 'daemon-runs' };
  const standing = await closingOrders(settings, bootId);
  if (!standing) return { did: 'opened', ...(await takeAway(stateDir, platform)) };
  const { orders, scope } = standing;
  const users = watchSessionUsers(() => {});
  users.stop();
  const agentUids = users.agents().filter((uid) => !orders.policy.gate.exemptUids.includes(uid));
  const parts = { platform, ledger: await openLedger(stateDir), clock: systemClock };
  const lostForMs = await lossLength(stateDir, bootId);
  // No call can have begun behind a gate that is shut.
  if (!parts.ledger.entries().some(isBarrier)) {
    const { activity, byPrivileged } = await lookForCall(
      createActivityReaders(parts, () => scope.mediaPrefixes),
      agentUids,
      standing,
    );
    if (activity === 'on-call' && byPrivileged) return { did: 'nothing', because: 'call' };
    if (!(activity === 'idle' && byPrivileged) && lostForMs < orders.policy.gate.maxDrainMs) return { did: 'nothing', because: 'call' };
  }
  // It may have come back meanwhile, and the gate is its own then.
  if (await isThere()) return { did: 'nothing', because: 'daemon-runs' };
  const found = await Promise.all(createEnforcers(parts).map((enforcer) => enforcer.hold({ closed: true, scope, agentUids })));
  const lacking = found.filter(({ state }) => state === 'degraded' || state === 'conflict').map(({ enforcer }) => enforcer);
  return { did: 'closed', lacking };
}

async function lossLength(stateDir: string, bootId: string): Promise<number> {
  const file = await openStateFile({ path: lossPath(stateDir), schema: Loss.nullable(), fallback: null });
  const known = await file.read();
  const nowMs = monotonicMs();
  if (known?.bootId === bootId && known.sinceMs <= nowMs) return nowMs - known.sinceMs;
  // Where the disk takes nothing, the loss stays a new one: a call is not cut for it.
  await file.write({ bootId, sinceMs: nowMs }).catch(() => {});
  return 0;
}

/** Null where nothing may be closed. */
async function closingOrders({ stateDir, checks, bundled, vantageOf }: LossSettings, bootId: string): Promise<StandingOrders | null> {
  const file = await openIdentity({ stateDir, image: null, goldenImage: false });
  const { enrolled, revokedAt } = await file.read();
  if (!enrolled || revokedAt !== null) return null;
  const trust = { instance: enrolled.instance, signingKeys: enrolled.trust.signingKeys };
  const book = await openOrderBook({ stateDir, checks, bundled, localPolicy: null, trust, vantageOf, onSetAside() {} });
  const standing = book.current();
  const { gate } = standing.orders.policy;
  if (!standing.signed || gate.mode !== 'enforce' || gate.onAgentLoss !== 'closed') return null;
  const clock = openAwakeClock({ saved: null, bootId, monotonicMs });
  const releases = await openReleaseStore({ stateDir, clock, wallMs: Date.now, onTrouble() {} });
  return releases.current() ? null : standing;
}

async function lookForCall(
  readers: readonly ActivityReader[],
  agentUids: readonly number[],
  { orders }: StandingOrders,
): Promise<ActivityJudgement> {
  let judged: ActivityJudgement = { activity: 'unknown', byPrivileged: false, sources: [] };
  for (let looks = 1; looks <= LOOKS; looks++) {
    const signals: ActivitySignal[] = (await Promise.all(readers.map((reader) => reader.read(agentUids, monotonicMs())))).flat();
    judged = judgeActivity(signals, { features: orders.policy.features, vantage: orders.vantage }, monotonicMs());
    if (judged.activity === 'on-call' && judged.byPrivileged) break;
    if (looks < LOOKS) await delay(BETWEEN_LOOKS_MS);
  }
  await Promise.all(readers.map((reader) => reader.close()));
  return judged;
}
