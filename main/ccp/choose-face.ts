import type { DeskView } from '../../contracts/ipc.ts';
import type { HeldGate, LastWord } from './agent-loss.ts';
import type { CcpPlaces } from './ccp-origins.ts';

/** What the window obeys: the daemon's last word, whether or not the daemon is still there. */
export interface CcpOrders extends LastWord {
  url: string | null;
  places: CcpPlaces;
  /** When it was heard: another snapshot has another. */
  heardAt: string;
  /** The daemon has proof that nobody is in a contact. */
  isIdle: boolean;
}

/** Null where the view tells nothing that may be acted upon: a stranger is not obeyed. */
export function ordersOf({ link, snapshot, heardAt }: Pick<DeskView, 'link' | 'snapshot' | 'heardAt'>): CcpOrders | null {
  if (link !== 'connected' || snapshot === null || heardAt === null) return null;
  const { ccp, gate, activity, policy, releasedUntil } = snapshot;
  return {
    url: ccp.url,
    places: ccp,
    gate,
    loss: policy.gate,
    releaseLeftMs: releasedUntil === null ? 0 : Date.parse(releasedUntil) - Date.parse(heardAt),
    heardAt,
    isIdle: activity.activity === 'idle',
  };
}

export interface CcpSituation {
  /** Null before the daemon's first word. */
  orders: { url: string | null; gate: HeldGate } | null;
  /** The user wants the CCP open. */
  isWanted: boolean;
  /** The window of the CCP is there. */
  isThere: boolean;
  /** Its page could not be loaded, so that it shows nothing. */
  isEmpty: boolean;
  /** Its own media is live, or was a moment ago. */
  isMediaLive: boolean;
  /** Proven: neither the daemon nor this window knows of a contact. */
  isIdle: boolean;
  /** How long a close has been held up for that. */
  heldMs: number;
}

/** `held`: with a banner, though the gate is closed. `unreachable`: hidden behind a page of ours, and still trying. */
export type CcpFace = 'nothing' | 'ccp' | 'banner' | 'held' | 'unreachable' | 'blocked';

/** The longest that this window's own word holds up a close: as long as a policy lets a drain last that nobody vouches for. */
export const MAX_HELD_MS = 2 * 60 * 60_000;

/** Pure and total. */
export function chooseFace({ orders, isWanted, isThere, isEmpty, isMediaLive, isIdle, heldMs }: CcpSituation): CcpFace {
  if (!orders) return 'nothing';
  const { acting, state, wouldBe, reason } = orders.gate;
  const isShut = acting && state === 'closed';
  // A call that began in the second in which the gate closed: the daemon had not heard of it.
  const mayHold = reason !== 'critical' && reason !== 'drain-expired' && heldMs < MAX_HELD_MS;
  const isHeld = isThere && isMediaLive && mayHold;
  if (orders.url === null) {
    // An instance that the policy takes away is no reason to cut a call.
    if (isShut) return isHeld ? 'held' : 'nothing';
    return isThere && !isIdle ? 'ccp' : 'nothing';
  }
  if (!isWanted) return 'nothing';
  if (isShut) return isHeld ? 'held' : 'blocked';
  if (isThere && isEmpty && !isMediaLive) return 'unreachable';
  return (acting ? state : wouldBe) === 'open' ? 'ccp' : 'banner';
}
