import type { CheckId } from '../../contracts/finding.ts';
import type { GateStatus } from '../../contracts/gate.ts';
import type { CcpState, CcpTrouble, DaemonLink, DeskView, LocaleChoice } from '../../contracts/ipc.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import type { Progress } from '../../contracts/progress.ts';
import type { Verdict } from '../../contracts/verdict.ts';

/** Something that the app heard or did. */
export type DeskNews =
  | { kind: 'heard'; snapshot: Snapshot; at: string }
  | { kind: 'without-daemon'; link: DaemonLink }
  | { kind: 'verdict'; verdict: Verdict }
  | { kind: 'gate'; gate: GateStatus }
  | { kind: 'progress'; progress: Progress }
  /** What came of these was not told: their run was cut short, or its word was lost. */
  | { kind: 'looked-long-enough'; checks: readonly CheckId[] }
  | { kind: 'ccp'; ccp: CcpState; trouble: CcpTrouble | null }
  | { kind: 'locale'; choice: LocaleChoice; inUse: DeskView['locale']['inUse'] };

/** As many as the view's schema takes. */
const MAX_LOOKING = 200;

/** The same view where the news changes nothing of it. */
export function nextView(view: DeskView, news: DeskNews): DeskView {
  switch (news.kind) {
    case 'heard':
      return { ...view, link: 'connected', snapshot: news.snapshot, heardAt: news.at };
    case 'without-daemon':
      // What was heard stays: it is old, and said to be.
      return view.link === news.link && view.looking.length === 0 ? view : { ...view, link: news.link, looking: [] };
    case 'verdict':
      return view.snapshot ? { ...view, snapshot: { ...view.snapshot, verdict: news.verdict } } : view;
    case 'gate':
      return view.snapshot ? { ...view, snapshot: { ...view.snapshot, gate: news.gate } } : view;
    case 'progress':
      return lookingAfter(view, news.progress);
    case 'looked-long-enough':
      return lookingAt(
        view,
        view.looking.filter((check) => !news.checks.includes(check)),
      );
    case 'ccp':
      return view.ccp === news.ccp && view.ccpTrouble === news.trouble ? view : { ...view, ccp: news.ccp, ccpTrouble: news.trouble };
    case 'locale':
      return view.locale.choice === news.choice && view.locale.inUse === news.inUse
        ? view
        : { ...view, locale: { choice: news.choice, inUse: news.inUse } };
  }
}

function lookingAfter(view: DeskView, progress: Progress): DeskView {
  switch (progress.kind) {
    case 'started':
      return lookingAt(view, [...view.looking, ...progress.rules.map(({ check }) => check)]);
    case 'finding':
      return lookingAt(
        view,
        view.looking.filter((check) => check !== progress.finding.check),
      );
    case 'verdict':
      return lookingAt(view, []);
    case 'endpoint':
      return view;
  }
}

function lookingAt(view: DeskView, checks: readonly CheckId[]): DeskView {
  // Before the first snapshot of a connection nobody knows what a finding changes.
  const looking = view.link === 'connected' ? [...new Set(checks)].slice(0, MAX_LOOKING) : [];
  return looking.length === view.looking.length && looking.every((check, index) => check === view.looking[index])
    ? view
    : { ...view, looking };
}
