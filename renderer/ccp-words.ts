import type { UiKey } from '../checks/texts/lookup.ts';
import type { DeskView } from '../contracts/ipc.ts';

/** What the banner says, in order. Nothing before the first view: an empty strip is better than a wrong word. */
export function bannerLines(view: DeskView | null): UiKey[] {
  const gate = view?.snapshot?.gate;
  if (!gate) return [];
  // A close that waits for the call in this window is a drain to whoever is in the call.
  if (gate.acting) return gate.state === 'open' ? [] : ['ccp.banner.draining'];
  if (gate.wouldBe === 'open') return [];
  const why = gate.notActingBecause === 'observe' ? (['ccp.banner.observe'] as const) : [];
  return [gate.wouldBe === 'closed' ? 'ccp.banner.would.closed' : 'ccp.banner.would.draining', ...why];
}

/** Below its title: why it is closed, or that it is not any more. */
export function blockedLead(view: DeskView): UiKey {
  if (view.link !== 'connected' || view.snapshot === null) return 'ccp.blocked.lost';
  const { gate } = view.snapshot;
  if (!gate.acting || gate.state !== 'closed') return 'ccp.blocked.opening';
  if (gate.reason === 'drain-expired') return 'ccp.blocked.expired';
  return gate.reason === 'undetermined' || gate.reason === 'undetermined-grace' ? 'ccp.blocked.undetermined' : 'ccp.blocked.more';
}
