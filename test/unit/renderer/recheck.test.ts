import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../contracts/finding.ts';
import { followRechecks, RECHECK_LIMIT_MS, type Rechecks, refuseRecheck, startRecheck } from '../../../renderer/posture/model/recheck.ts';
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
    const refused = refuseRecheck(started, check, 'too-soon');
    expect(followRechecks(refused, seen(good), NOW)).toBe(refused);
    expect(stepOf(startRecheck(refused, check, NOW))).toBe('running');
  });

  it('is not over while a second rule of the same check is still of before', () => {
    const both = { ...seen(good, { counts: false }), findings: [good, noRoute] };
    expect(stepOf(followRechecks(started, both, NOW))).toBe('running');
  });
});
