import { createCallRate } from '../../contracts/local-link/call-rate.ts';
import type { NavigationAsk, PopupAsk, Way } from '../ccp/ccp-rules.ts';
import type { ContentsRules } from './window-rules.ts';
import type { WindowKind } from './window-spec.ts';

/** The CCP's own, and what it opens: Connect opens one to sign in. */
export const MOST_CCP_WINDOWS = 6;

/** A contact that arrives opens a page or two. */
const OUTSIDE_PER_S = 1;
const OUTSIDE_BURST = 5;

export interface WayPorts {
  monotonicMs(): number;
  ccpWindows(): number;
  openOutside(url: string): void;
  onRefused(detail: string): void;
}

/** What becomes of each wish of a page to go somewhere: true where it goes there itself. */
export function createWays(rules: Pick<ContentsRules, 'wayOf' | 'popupWayOf'>, ports: WayPorts) {
  const mayOpenOutside = createCallRate(OUTSIDE_PER_S, OUTSIDE_BURST, ports.monotonicMs);
  const follow = (way: Way, what: string) => {
    if (way.to === 'browser' && mayOpenOutside()) ports.openOutside(way.url);
    if (way.to === 'nowhere') ports.onRefused(what);
    return way.to === 'window';
  };
  return {
    mayGo: (kind: WindowKind | null, ask: NavigationAsk) => follow(rules.wayOf(kind, ask), `navigation of ${kind}`),
    mayOpen(kind: WindowKind | null, ask: PopupAsk) {
      if (ports.ccpWindows() < MOST_CCP_WINDOWS) return follow(rules.popupWayOf(kind, ask), `window of ${kind}`);
      ports.onRefused(`one more window of ${kind}`);
      return false;
    },
  };
}
