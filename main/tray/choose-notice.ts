import type { Texts } from '../../checks/texts/lookup.ts';
import type { DeskView } from '../../contracts/ipc.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import { clockWords, leftWords } from './times.ts';
import { isAhead, standingOf } from './tray-state.ts';

/** Before a block, half-way to it, at it during a call, at it, and after it. */
export type NoticeKind = 'ahead' | 'again' | 'drain' | 'blocked' | 'recovered' | 'released';

export interface Notice {
  kind: NoticeKind;
  title: string;
  body: string;
}

/** What the user was told and need not be told again. */
export interface Told {
  /** Rules that were told to block soon, and when to say so once more. */
  ahead: { rules: readonly string[]; againAtMs: number | null } | null;
  shut: 'no' | 'drain' | 'blocked';
}

export const nothingTold: Told = { ahead: null, shut: 'no' };

/** A block that is nearer than this is told once. */
const WORTH_REPEATING_MS = 10 * 60_000;

type Stage =
  | { stage: 'open' | 'released' | 'drain' | 'closed' }
  | { stage: 'ahead'; blocksAt: string; rules: readonly string[] }
  /** Nothing is known that could be told. */
  | { stage: 'unsure' };

/** Pure. Asked with each change and now and then, since half-time comes without one. */
export function chooseNotice(view: DeskView, told: Told, texts: Texts, now: Date): { notice: Notice | null; told: Told } {
  const { link, snapshot } = view;
  if (link !== 'connected' || snapshot === null) return { notice: null, told };
  const stage = stageOf(snapshot, now);
  const say = (kind: NoticeKind, next: Partial<Told>) => ({ notice: write(kind, snapshot, texts, now), told: { ...told, ...next } });
  const quiet = (next: Partial<Told> = {}) => ({ notice: null, told: { ...told, ...next } });
  const isOnCall = snapshot.activity.activity === 'on-call';

  if (stage.stage === 'drain') return told.shut === 'no' ? say('drain', { shut: 'drain' }) : quiet();
  if (stage.stage === 'closed') {
    if (told.shut === 'blocked') return quiet();
    // Who is in a call is told after it; who has just been cut off is told why.
    return isOnCall && snapshot.gate.reason !== 'critical' ? quiet() : say('blocked', { shut: 'blocked' });
  }
  // What is not told now is told after the call, if it is still so.
  if (isOnCall) return quiet();
  if (told.shut !== 'no') return say(stage.stage === 'released' ? 'released' : 'recovered', { shut: 'no', ahead: null });
  if (stage.stage === 'unsure') return quiet();
  if (stage.stage !== 'ahead') return quiet({ ahead: null });

  const nowMs = now.getTime();
  const known = told.ahead?.rules ?? [];
  if (stage.rules.some((rule) => !known.includes(rule))) {
    const leftMs = Date.parse(stage.blocksAt) - nowMs;
    const ahead = {
      rules: [...new Set([...known, ...stage.rules])],
      againAtMs: leftMs > WORTH_REPEATING_MS ? nowMs + leftMs / 2 : null,
    };
    return say('ahead', { ahead });
  }
  if (told.ahead && told.ahead.againAtMs !== null && nowMs >= told.ahead.againAtMs) {
    return say('again', { ahead: { ...told.ahead, againAtMs: null } });
  }
  return quiet();
}

function stageOf({ verdict, gate, releasedUntil }: Snapshot, now: Date): Stage {
  if (gate.acting && gate.state === 'draining') return { stage: 'drain' };
  if (gate.acting && gate.state === 'closed') return { stage: 'closed' };
  if (isAhead(releasedUntil, now)) return { stage: 'released' };
  if (!gate.acting) return { stage: 'open' };
  if (verdict === null || standingOf(verdict, now) === 'undetermined') return { stage: 'unsure' };
  const { blocksAt, causes } = verdict;
  if (blocksAt === null) return { stage: 'open' };
  // Its time has come, and the daemon is about to say so, or to move it.
  if (!isAhead(blocksAt, now)) return { stage: 'unsure' };
  const rules = causes.filter((cause) => cause.blocksAt !== null).map(({ rule }) => rule);
  // A cause that only warns may explain the rule that will block.
  return { stage: 'ahead', blocksAt, rules: rules.length > 0 ? rules : causes.map(({ rule }) => rule) };
}

function write(kind: NoticeKind, { verdict, releasedUntil }: Snapshot, texts: Texts, now: Date): Notice {
  const clock = (at: string | null) => (at === null ? '' : clockWords(at, now, texts.locale));
  const causes = verdict?.causes ?? [];
  const isSoon = kind === 'ahead' || kind === 'again';
  const first = causes.find((cause) => cause.enforcement === 'block' && (cause.blocksAt !== null) === isSoon) ?? causes[0];
  const what = first ? texts.title(first.check) : texts.ui('notice.unsure');
  const at = verdict?.blocksAt ?? null;
  switch (kind) {
    case 'ahead':
      return { kind, title: texts.ui('notice.ahead', { at: clock(at) }), body: texts.ui('notice.ahead.body', { what }) };
    case 'again':
      return {
        kind,
        title: texts.ui('notice.again', { left: at === null ? '' : leftWords(at, now, texts.locale) }),
        body: texts.ui('notice.ahead.body', { what }),
      };
    case 'drain':
      return { kind, title: texts.ui('notice.drain'), body: texts.ui('notice.drain.body', { what }) };
    case 'blocked':
      return { kind, title: texts.ui('notice.blocked'), body: texts.ui('notice.blocked.body', { what }) };
    case 'recovered': {
      const isSure = verdict !== null && standingOf(verdict, now) !== 'undetermined' && standingOf(verdict, now) !== 'blocked';
      return { kind, title: texts.ui('notice.recovered'), body: texts.ui(isSure ? 'notice.recovered.body' : 'notice.recovered.unsure') };
    }
    case 'released':
      return { kind, title: texts.ui('notice.released', { at: clock(releasedUntil) }), body: texts.ui('notice.released.body') };
  }
}
