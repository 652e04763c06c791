import type { DeskView } from '../../contracts/ipc.ts';
import { changesInMs, gateWithout, type HeldGate, type Without } from './agent-loss.ts';
import { type CcpOrders, ordersOf } from './choose-face.ts';

export type FollowedView = Pick<DeskView, 'link' | 'snapshot' | 'heardAt'>;

/** What the daemon said, for how long it is silent, and what of the gate follows from both. */
export function createLastWord(monotonicMs: () => number, wasSilentSince: (ms: number) => boolean) {
  let orders: CcpOrders | null = null;
  let heardMs = 0;
  let link: DeskView['link'] = 'connecting';
  /** Null while there is a daemon. */
  let lostMs: number | null = null;

  const without = (): Without | null => {
    if (lostMs === null || (link !== 'absent' && link !== 'not-the-daemon')) return null;
    const nowMs = monotonicMs();
    const isQuiet = orders?.isIdle === true && wasSilentSince(heardMs);
    return { link, lostForMs: nowMs - lostMs, sinceHeardMs: nowMs - heardMs, isQuiet };
  };

  const gate = (): HeldGate | null => {
    const lost = without();
    return orders && (lost ? gateWithout(orders, lost) : orders.gate);
  };

  return {
    orders: () => orders,
    gate,
    isGateClosed(): boolean {
      const now = gate();
      return now?.acting === true && now.state === 'closed';
    },
    /** When time alone changes the gate. */
    changesInMs(): number[] {
      const lost = without();
      return orders && lost ? changesInMs(orders, lost).filter((ms) => ms > 0) : [];
    },
    hear(view: FollowedView) {
      const next = ordersOf(view);
      if (next && next.heardAt !== orders?.heardAt) heardMs = monotonicMs();
      orders = next ?? orders;
      link = view.link;
      lostMs = link === 'connected' ? null : (lostMs ?? monotonicMs());
    },
  };
}
