import { isAhead } from '../../checks/texts/desk-answer.ts';
import type { Texts } from '../../checks/texts/lookup.ts';
import type { DeskView } from '../../contracts/ipc.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import { standingNow } from '../../contracts/verdict.ts';
import { clockWords, leftWords } from './times.ts';

/** Before a block, half-way to it, at it during a call, at it, and after it. */
export type NoticeKind = 'ahead' | 'again' | 'drain' | 'blocked' | 'recovered' | 'released';

export interface Notice {
  kind: NoticeKind;
  title: string;
  body: string;
}

/** How bad of a cause was told. */
const levels = { ahead: 1, drain: 2, blocked: 3 } as const;
type Level = (typeof levels)[keyof typeof levels];

/** What the user was told and need not be told again. */
export interface Told {
  /** Rules that were told to stand in the way, and since when they do not. */
  rules: Readonly<Record<string, { level: Level; awaySinceMs: number | null }>>;
  /** When to say once more that a block comes. */
  againAtMs: number | null;
  shut: 'no' | 'drain' | 'blocked';
  /** Since when it is shut and nothing was told of it. */
  untoldSinceMs: number | null;
}

export const nothingTold: Told = { rules: {}, againAtMs: null, shut: 'no', untoldSinceMs: null };

/**
 * A cause that was away for less is the same trouble: rules look every few minutes and want two good looks, so that what flaps comes
 * back within some five of them. As long a block is none that flaps: whoever was told of its end must not go on believing it.
 */
const SETTLED_MS = 10 * 60_000;
/** A block that is nearer than this is told once. */
const WORTH_REPEATING_MS = 10 * 60_000;

type Stage =
  | { stage: 'open' | 'released' }
  | { stage: 'drain' | 'closed'; rules: readonly string[] }
  | { stage: 'ahead'; blocksAt: string; rules: readonly string[] }
  /** Nothing is known that could be told. */
  | { stage: 'unsure'; rules: readonly string[] };

/**
 * Pure. Asked with each change and now and then, since half-time comes without one. Nothing is told twice of one cause, unless it was
 * away for `SETTLED_MS` in between, or is worse than what was told of it.
 */
export function chooseNotice(view: DeskView, before: Told, texts: Texts, now: Date): { notice: Notice | null; told: Told } {
  const { link, snapshot } = view;
  if (link !== 'connected' || snapshot === null) return { notice: null, told: before };
  const nowMs = now.getTime();
  const stage = stageOf(snapshot, now);
  const told = follow(before, stage, nowMs);
  const say = (kind: NoticeKind, next: Partial<Told>) => ({ notice: write(kind, snapshot, texts, now), told: { ...told, ...next } });
  const quiet = (next: Partial<Told> = {}) => ({ notice: null, told: { ...told, ...next } });
  const isOnCall = snapshot.activity.activity === 'on-call';

  if (stage.stage === 'drain' || stage.stage === 'closed') {
    const kind = stage.stage === 'drain' ? 'drain' : 'blocked';
    if (told.shut === 'blocked' || told.shut === kind) return quiet();
    // Who is in a call is told after it; who has just been cut off is told why.
    if (kind === 'blocked' && isOnCall && snapshot.gate.reason !== 'critical') return quiet();
    if (isWorse(told, stage.rules, levels[kind])) {
      return say(kind, { shut: kind, untoldSinceMs: null, rules: learnt(told, stage.rules, levels[kind]) });
    }
    const sinceMs = told.untoldSinceMs ?? nowMs;
    return nowMs - sinceMs < SETTLED_MS ? quiet({ untoldSinceMs: sinceMs }) : say(kind, { shut: kind, untoldSinceMs: null });
  }
  // What is not told now is told after the call, if it is still so.
  if (isOnCall) return quiet();
  if (told.shut !== 'no') return say(stage.stage === 'released' ? 'released' : 'recovered', { shut: 'no', againAtMs: null });
  if (stage.stage !== 'ahead') return quiet();

  if (isWorse(told, stage.rules, levels.ahead)) {
    const leftMs = Date.parse(stage.blocksAt) - nowMs;
    const againAtMs = leftMs > WORTH_REPEATING_MS ? nowMs + leftMs / 2 : null;
    return say('ahead', { againAtMs, rules: learnt(told, stage.rules, levels.ahead) });
  }
  return told.againAtMs !== null && nowMs >= told.againAtMs ? say('again', { againAtMs: null }) : quiet();
}

/** What is remembered of each cause, now that this stands in the way and nothing else does. */
function follow(told: Told, stage: Stage, nowMs: number): Told {
  const present = 'rules' in stage ? stage.rules : [];
  const rules = Object.entries(told.rules).flatMap(([rule, { level, awaySinceMs }]) => {
    if (awaySinceMs !== null && nowMs - awaySinceMs >= SETTLED_MS) return [];
    return [[rule, { level, awaySinceMs: present.includes(rule) ? null : (awaySinceMs ?? nowMs) }] as const];
  });
  const isShut = stage.stage === 'drain' || stage.stage === 'closed';
  return {
    ...told,
    rules: Object.fromEntries(rules),
    againAtMs: rules.length === 0 ? null : told.againAtMs,
    untoldSinceMs: isShut ? told.untoldSinceMs : null,
  };
}

function isWorse({ rules }: Told, present: readonly string[], level: Level): boolean {
  return present.some((rule) => !Object.hasOwn(rules, rule) || (rules[rule]?.level ?? 0) < level);
}

function learnt({ rules }: Told, present: readonly string[], level: Level): Told['rules'] {
  return { ...rules, ...Object.fromEntries(present.map((rule) => [rule, { level, awaySinceMs: null }])) };
}

function stageOf({ verdict, gate, releasedUntil }: Snapshot, now: Date): Stage {
  if (gate.acting && gate.state === 'draining') return { stage: 'drain', rules: shutBy(verdict) };
  if (gate.acting && gate.state === 'closed') return { stage: 'closed', rules: shutBy(verdict) };
  if (isAhead(releasedUntil, now)) return { stage: 'released' };
  if (!gate.acting) return { stage: 'open' };
  if (verdict === null || standingNow(verdict, now.getTime()) === 'undetermined') return { stage: 'unsure', rules: [] };
  const { blocksAt, causes } = verdict;
  if (blocksAt === null) return { stage: 'open' };
  const waiting = causes.filter((cause) => cause.blocksAt !== null);
  // A cause that only warns may explain the rule that will block.
  const rules = (waiting.length > 0 ? waiting : causes).map(({ rule }) => rule);
  // When its time has come, the daemon is about to say so, or to move it.
  return isAhead(blocksAt, now) ? { stage: 'ahead', blocksAt, rules } : { stage: 'unsure', rules };
}

/** Rules by the name that they are remembered by; where none is named, not knowing is the cause. */
function shutBy(verdict: Snapshot['verdict']): string[] {
  const causes = verdict?.causes ?? [];
  const blocking = causes.filter(({ enforcement, blocksAt }) => enforcement === 'block' && blocksAt === null);
  if (blocking.length > 0) return blocking.map(({ rule }) => rule);
  const others = [...(verdict?.undetermined ?? []), ...causes.map(({ rule }) => rule)];
  return others.length > 0 ? others : ['unknown'];
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
      const standing = verdict === null ? 'undetermined' : standingNow(verdict, now.getTime());
      const isSure = standing !== 'undetermined' && standing !== 'blocked';
      return { kind, title: texts.ui('notice.recovered'), body: texts.ui(isSure ? 'notice.recovered.body' : 'notice.recovered.unsure') };
    }
    case 'released':
      return { kind, title: texts.ui('notice.released', { at: clock(releasedUntil) }), body: texts.ui('notice.released.body') };
  }
}
