import type { EnforcerStatus, EnforcerTarget } from '../../contracts/enforcer.ts';
import type { Enforcer, GateOrder } from './enforcer.ts';

/** The CCP window of the tray app, which closes by itself when it hears of the gate. */
export interface WindowEnforcer extends Enforcer {
  /** What a user's window says it did; true when it says something new. */
  acknowledge(uid: number, applied: 'open' | 'banner' | 'closed'): boolean;
}

/** Its word is all there is: it runs in the user's session, where nothing can be read back. */
export function createWindowEnforcer(): WindowEnforcer {
  const applied = new Map<number, 'open' | 'banner' | 'closed'>();

  function targetOf(uid: number, { closed }: GateOrder): EnforcerTarget {
    const done = (applied.get(uid) === 'closed') === closed;
    const detail = `user ${uid}: ${applied.get(uid) ?? 'no word yet'}`;
    return { target: `user-${uid}`, state: done ? 'written' : 'degraded', notes: done ? [] : [{ code: 'not-acknowledged', detail }] };
  }

  return {
    name: 'window',
    acknowledge(uid, what) {
      const isNews = applied.get(uid) !== what;
      applied.set(uid, what);
      return isNews;
    },
    async hold(order): Promise<EnforcerStatus> {
      // A user who is gone has no window; one without the tray app has none to close.
      for (const uid of applied.keys()) if (!order.agentUids.includes(uid)) applied.delete(uid);
      const targets = [...applied.keys()].slice(0, 20).map((uid) => targetOf(uid, order));
      const state = targets.some((one) => one.state === 'degraded') ? 'degraded' : targets.length > 0 ? 'written' : 'confirmed';
      return { enforcer: 'window', wanted: order.closed ? 'closed' : 'open', state, targets };
    },
  };
}
