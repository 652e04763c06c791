import { setTimeout as delay } from 'node:timers/promises';
import type { AnyCheck } from '../../checks/check.ts';
import type { Platform } from '../../checks/host.ts';
import type { Allowlist } from '../../contracts/allowlist.ts';
import type { Vantage } from '../../contracts/finding.ts';
import type { ActivitySignal } from '../../contracts/gate.ts';
import type { Policy } from '../../contracts/policy.ts';
import type { ActivityReader } from '../activity/reader.ts';
import { openIdentity } from '../fleet-link/identity.ts';
import { createActivityReaders, createEnforcers } from '../gate/gate-parts.ts';
import { judgeActivity } from '../gate/judge-activity.ts';
import { isBarrier, openLedger } from '../gate/ledger.ts';
import { openReleaseStore } from '../gate/release-store.ts';
import { systemClock } from '../host/clock.ts';
import { monotonicMs, openAwakeClock, readBootId } from '../store/awake-clock.ts';
import { daemonOf } from './daemon-lock.ts';
import { openOrderBook, type StandingOrders } from './order-book.ts';
import { watchSessionUsers } from './session-users.ts';
import { type TakenAway, takeAway } from './take-away.ts';

export type AgentLossOutcome =
  | ({ did: 'opened' } & TakenAway)
  | { did: 'closed' }
  /** `call`: the policy closes, and does so once the call has ended. `daemon-runs`: the daemon is not lost. */
  | { did: 'nothing'; because: 'call' | 'daemon-runs' };

export interface LossSettings {
  stateDir: string;
  platform: Platform;
  checks: readonly AnyCheck[];
  bundled: Allowlist;
  vantageOf: (policy: Policy) => Vantage;
}

/** Two looks this far apart tell a call by its packets. */
const LOOK_MS = 3_000;

/**
 * What the signed policy wants of the gate while there is no daemon. A desk that is not enrolled, or whose documents cannot be
 * read, is open. Rejects with a `StoreError`.
 */
export async function applyAgentLoss(settings: LossSettings): Promise<AgentLossOutcome> {
  const { stateDir, platform } = settings;
  const bootId = await readBootId();
  if ((await daemonOf(stateDir, bootId)) !== null) return { did: 'nothing', because: 'daemon-runs' };
  const standing = await closingOrders(settings, bootId);
  if (!standing) return { did: 'opened', ...(await takeAway(stateDir, platform)) };
  const { orders, scope } = standing;
  const users = watchSessionUsers(() => {});
  users.stop();
  const agentUids = users.agents().filter((uid) => !orders.policy.gate.exemptUids.includes(uid));
  const parts = { platform, ledger: await openLedger(stateDir), clock: systemClock };
  const isShut = parts.ledger.entries().some(isBarrier);
  // No call can have begun behind a gate that is shut.
  if (
    !isShut &&
    (await isOnCall(
      createActivityReaders(parts, () => scope.mediaPrefixes),
      agentUids,
      standing,
    ))
  ) {
    return { did: 'nothing', because: 'call' };
  }
  await Promise.all(createEnforcers(parts).map((enforcer) => enforcer.hold({ closed: true, scope, agentUids })));
  return { did: 'closed' };
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

/** On the privileged side's word alone. */
async function isOnCall(readers: readonly ActivityReader[], agentUids: readonly number[], { orders }: StandingOrders): Promise<boolean> {
  const look = async () => {
    const signals: ActivitySignal[] = (await Promise.all(readers.map((reader) => reader.read(agentUids, monotonicMs())))).flat();
    return judgeActivity(signals, { features: orders.policy.features, vantage: orders.vantage }, monotonicMs());
  };
  await look();
  await delay(LOOK_MS);
  const { activity, byPrivileged } = await look();
  return activity === 'on-call' && byPrivileged;
}
