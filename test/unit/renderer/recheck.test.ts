import { describe, expect, it } from 'vitest';
import { locales } from '../../../checks/texts/locale.ts';
import { textsFor } from '../../../checks/texts/lookup.ts';
import type { Fault } from '../../../contracts/fault.ts';
import type { Finding } from '../../../contracts/finding.ts';
import {
  followRechecks,
  RECHECK_LIMIT_MS,
  type Rechecks,
  refusalOf,
  refuseRecheck,
  startRecheck,
} from '../../../renderer/posture/model/recheck.ts';
import { timeWords } from '../../../renderer/posture/model/time-words.ts';
import { recheckWords, refusalWords } from '../../../renderer/posture/parts/say.ts';
import { at, checkId, finding, NOW, noRoute } from '../../e2e/posture/desk-states.ts';

const check = checkId('network.turn-udp');
const none: Rechecks = new Map();
const started = startRecheck(none, check, NOW);
const seen = (own: Finding, more: { isLooking?: boolean; counts?: boolean } = {}) => ({
  looking: more.isLooking ? [check] : [],
  findings: [own],
  counted: new Set(more.counts === false ? [] : [check]),
});
const bad = { ...noRoute, observedAt: at(0.1) };
const good = finding(check, { kind: 'pass' }, { observedAt: at(0.1) });
const stepOf = (rechecks: Rechecks) => rechecks.get(check)?.step;

describe('a recheck', () => {
  it('runs until there is a look that is newer than the press', () => {
    expect(followRechecks(started, seen(noRoute), NOW)).toBe(started);
    expect(stepOf(followRechecks(started, seen(bad), NOW))).toBe('same');
    expect(stepOf(followRechecks(started, seen(good, { counts: false }), NOW))).toBe('fixed');
  });

  it('waits for the look that goes on, although an older run of it has just ended', () => {
    const looking = followRechecks(started, seen(bad, { isLooking: true }), NOW);
    expect(stepOf(looking)).toBe('running');
    expect(stepOf(followRechecks(looking, seen(good, { counts: false }), NOW))).toBe('fixed');
  });

  it('takes the end of a look that it saw for an answer, should the clock have been set meanwhile', () => {
    const looking = followRechecks(started, seen(noRoute, { isLooking: true }), NOW);
    expect(stepOf(followRechecks(looking, seen(noRoute), NOW))).toBe('same');
  });

  it('is better, not fixed, while the verdict still counts it', () => {
    const better = followRechecks(started, seen(good), NOW);
    expect(stepOf(better)).toBe('better');
    expect(followRechecks(better, seen(good), NOW)).toBe(better);
    expect(stepOf(followRechecks(better, seen(good, { counts: false }), NOW))).toBe('fixed');
  });

  it('ends without an answer at last, and not before', () => {
    const later = (ms: number) => new Date(NOW.getTime() + ms);
    expect(stepOf(followRechecks(started, seen(noRoute), later(RECHECK_LIMIT_MS)))).toBe('running');
    expect(stepOf(followRechecks(started, seen(noRoute), later(RECHECK_LIMIT_MS + 1)))).toBe('no-answer');
  });

  it('keeps a refusal until it is asked for again', () => {
    const refused = refuseRecheck(started, check, { code: 'too-soon' });
    expect(followRechecks(refused, seen(good), NOW)).toBe(refused);
    expect(stepOf(startRecheck(refused, check, NOW))).toBe('running');
  });

  it('is not over while a second rule of the same check is still of before', () => {
    const both = { ...seen(good, { counts: false }), findings: [good, noRoute] };
    expect(stepOf(followRechecks(started, both, NOW))).toBe('running');
  });
});

describe('a refusal', () => {
  it.each(locales)('says when it may be asked for again, in %s', (locale) => {
    const texts = textsFor(locale);
    const says = (fault: Pick<Fault, 'code' | 'retryInMs'>) => refusalWords(refusalOf(fault), texts);
    expect(says({ code: 'too-soon', retryInMs: 12_000 })).toContain(timeWords(locale).length(12_000));
    expect(says({ code: 'too-soon' })).toBe(texts.ui('app.recheck.too-soon'));
    const all = (['too-soon', 'busy', 'no-daemon', 'internal'] as const).map((code) => says({ code }));
    expect(new Set(all).size).toBe(4);
    expect(all.join()).not.toMatch(/[{}]|app\./);
  });

  it('of one check says it too', () => {
    const refused = refuseRecheck(started, check, { code: 'too-soon', retryInMs: 12_000 }).get(check);
    expect(refused && recheckWords(check, refused, textsFor('en'))).toBe('This was checked a moment ago. You can check again in 12 sec.');
  });
});
