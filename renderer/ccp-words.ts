import type { UiKey } from '../checks/texts/lookup.ts';
import type { CcpTrouble, DeskView } from '../contracts/ipc.ts';

/** What the banner says, in order. Nothing before the first view: an empty strip is better than a wrong word. */
export function bannerLines(view: DeskView | null): UiKey[] {
  if (!view?.snapshot) return [];
  const { gate, policy } = view.snapshot;
  // A close that was ordered waits for the call in this window, whether or not the daemon is still there.
  const isOrdered = gate.acting && gate.state === 'closed';
  if (view.link !== 'connected' && !isOrdered) {
    const isOver = view.link === 'absent' || view.link === 'not-the-daemon';
    return [gate.acting && isOver && policy.gate.onAgentLoss === 'closed' ? 'ccp.banner.lost.closing' : 'ccp.banner.lost'];
  }
  // It is a drain to whoever is in the call.
  if (gate.acting) return gate.state === 'open' ? [] : ['ccp.banner.draining'];
  if (gate.wouldBe === 'open') return [];
  const why = gate.notActingBecause === 'observe' ? (['ccp.banner.observe'] as const) : [];
  return [gate.wouldBe === 'closed' ? 'ccp.banner.would.closed' : 'ccp.banner.would.draining', ...why];
}

/** Below its title: why it is closed, or that it is not any more. */
export function blockedLead(view: DeskView): UiKey {
  if (view.snapshot === null) return 'ccp.blocked.lost';
  const { gate, policy } = view.snapshot;
  if (view.link !== 'connected') {
    const opens = policy.gate.onAgentLoss === 'open' && view.link !== 'not-the-daemon';
    if (!opens) return 'ccp.blocked.lost';
    return view.link === 'absent' ? 'ccp.blocked.opening' : 'ccp.blocked.lost.opens';
  }
  if (!gate.acting || gate.state !== 'closed') return 'ccp.blocked.opening';
  if (gate.reason === 'drain-expired') return 'ccp.blocked.expired';
  return gate.reason === 'undetermined' || gate.reason === 'undetermined-grace' ? 'ccp.blocked.undetermined' : 'ccp.blocked.more';
}

export interface LoadWords {
  /** What is in the way, and then what the agent can do about it. */
  says: UiKey[];
  forIt: UiKey;
  args: { host: string; error: string };
}

/** In place of a CCP that shows nothing. */
export function loadWords(trouble: CcpTrouble): LoadWords {
  const { host } = trouble;
  if (trouble.kind === 'not-in-policy') return { says: ['ccp.load.refused'], forIt: 'ccp.load.it.refused', args: { host, error: '' } };
  const { error } = trouble;
  if (error === null)
    return { says: ['ccp.load.slow', 'ccp.load.again', 'ccp.load.do'], forIt: 'ccp.load.it.slow', args: { host, error: '' } };
  return { says: ['ccp.load.cannot', 'ccp.load.again', 'ccp.load.do'], forIt: 'ccp.load.it.cannot', args: { host, error } };
}
