import type { GateStatus } from '../../contracts/gate.ts';
import type { DeskView } from '../../contracts/ipc.ts';
import type { CcpPlaces } from './ccp-origins.ts';

/** What the window obeys: the daemon's last word, whether or not the daemon is still there. */
export interface CcpOrders {
  url: string | null;
  places: CcpPlaces;
  gate: Pick<GateStatus, 'acting' | 'state' | 'wouldBe' | 'reason'>;
  /** The daemon has proof that nobody is in a contact. */
  isIdle: boolean;
}

/** Null where the view tells nothing that may be acted upon: a lost daemon changes nothing, and a stranger is not obeyed. */
export function ordersOf({ link, snapshot }: Pick<DeskView, 'link' | 'snapshot'>): CcpOrders | null {
  if (link !== 'connected' || snapshot === null) return null;
  const { ccp, gate, activity } = snapshot;
  return { url: ccp.url, places: ccp, gate, isIdle: activity.activity === 'idle' };
}

export interface CcpSituation {
  orders: CcpOrders | null;
  /** The user wants the CCP open. */
  isWanted: boolean;
  /** The window of the CCP is there. */
  isThere: boolean;
  /** Its own media is live, or was a moment ago. */
  isMediaLive: boolean;
  /** Proven: neither the daemon nor this window knows of a contact. */
  isIdle: boolean;
  /** How long a close has been held up for that. */
  heldMs: number;
}

/** `held`: with a banner, though the gate is closed. */
export type CcpFace = 'nothing' | 'ccp' | 'banner' | 'held' | 'blocked';

/** The longest that this window's own word holds up a close: as long as a policy lets a drain last that nobody vouches for. */
export const MAX_HELD_MS = 2 * 60 * 60_000;

/** Pure and total. */
export function chooseFace({ orders, isWanted, isThere, isMediaLive, isIdle, heldMs }: CcpSituation): CcpFace {
  if (!orders || orders.url === null) {
    // An instance that the policy takes away is no reason to cut a call.
    return isThere && !isIdle ? 'ccp' : 'nothing';
  }
  const { acting, state, wouldBe, reason } = orders.gate;
  const isShut = acting && state === 'closed';
  if (!isWanted) return 'nothing';
  if (!isShut) return (acting ? state : wouldBe) === 'open' ? 'ccp' : 'banner';
  // A call that began in the second in which the gate closed: the daemon had not heard of it.
  const mayHold = reason !== 'critical' && reason !== 'drain-expired' && heldMs < MAX_HELD_MS;
  return isThere && isMediaLive && mayHold ? 'held' : 'blocked';
}
