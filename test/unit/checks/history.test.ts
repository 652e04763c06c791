import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recordRun } from '../../../checks/history.ts';
import { RuleHistory } from '../../../contracts/history.ts';
import type { Outcome } from '../../../contracts/outcome.ts';
import { isBad } from '../../../contracts/outcome.ts';

const outcomes = {
  pass: { kind: 'pass' },
  idle: { kind: 'not-applicable', because: 'platform' },
  fail: { kind: 'fail', reason: 'r', args: {} },
  slow: { kind: 'degraded', reason: 'r', args: {} },
  blind: { kind: 'unknown', cause: 'timed-out', detail: '' },
} as const satisfies Record<string, Outcome>;
type Name = keyof typeof outcomes;

const WALL_START = Date.parse('2026-01-01T00:00:00.000Z');
const wall = (ms: number) => new Date(WALL_START + ms).toISOString();

function replay(rule: { settleMs: number; recoverRuns: number }, runs: readonly (readonly [number, Name])[]): RuleHistory | undefined {
  let history: RuleHistory | undefined;
  for (const [awakeMs, name] of runs) history = recordRun(history, rule, outcomes[name], { awakeMs, wallIso: wall(awakeMs) });
  return history;
}

const rule = { settleMs: 30_000, recoverRuns: 2 };
const healthy = { badSinceMs: null, lastBad: null, settledAtMs: null };

test.each<[string, [number, Name][], RuleHistory]>([
  ['a first pass', [[0, 'pass']], { ...healthy, observedAtMs: 0, goodRuns: 1, kind: 'pass', kindSince: wall(0), lastPassAt: wall(0) }],
  [
    'a single bad run does not settle',
    [
      [0, 'pass'],
      [10, 'fail'],
    ],
    {
      badSinceMs: 10,
      lastBad: outcomes.fail,
      settledAtMs: null,
      observedAtMs: 10,
      goodRuns: 0,
      kind: 'fail',
      kindSince: wall(10),
      lastPassAt: wall(0),
    },
  ],
  [
    'a streak settles at the bad run that finds it old enough, and survives a change of kind',
    [
      [0, 'fail'],
      [29_999, 'slow'],
      [30_000, 'blind'],
      [50_000, 'blind'],
    ],
    {
      badSinceMs: 0,
      lastBad: outcomes.blind,
      settledAtMs: 30_000,
      observedAtMs: 50_000,
      goodRuns: 0,
      kind: 'unknown',
      kindSince: wall(30_000),
      lastPassAt: null,
    },
  ],
  [
    'one good run does not end a streak, and does not settle it either',
    [
      [0, 'fail'],
      [40_000, 'pass'],
    ],
    {
      badSinceMs: 0,
      lastBad: outcomes.fail,
      settledAtMs: null,
      observedAtMs: 40_000,
      goodRuns: 1,
      kind: 'pass',
      kindSince: wall(40_000),
      lastPassAt: wall(40_000),
    },
  ],
  [
    'two good runs end it; not-applicable is good but no pass',
    [
      [0, 'fail'],
      [40_000, 'fail'],
      [50_000, 'pass'],
      [60_000, 'idle'],
    ],
    {
      ...healthy,
      observedAtMs: 60_000,
      goodRuns: 2,
      kind: 'not-applicable',
      kindSince: wall(60_000),
      lastPassAt: wall(50_000),
    },
  ],
  [
    'after another boot the streak goes on from where it was',
    [
      [1_000_000, 'fail'],
      [1_020_000, 'fail'],
      [5_000, 'fail'],
      [15_000, 'fail'],
    ],
    {
      badSinceMs: -15_000,
      lastBad: outcomes.fail,
      settledAtMs: 15_000,
      observedAtMs: 15_000,
      goodRuns: 0,
      kind: 'fail',
      kindSince: wall(1_000_000),
      lastPassAt: null,
    },
  ],
])('%s', (_name, runs, expected) => {
  expect(replay(rule, runs)).toEqual(expected);
});

test('settleMs 0 settles at once', () => {
  expect(replay({ settleMs: 0, recoverRuns: 1 }, [[7, 'fail']])?.settledAtMs).toBe(7);
});

describe('for any runs', () => {
  const timing = fc.record({ settleMs: fc.nat(100_000), recoverRuns: fc.integer({ min: 1, max: 5 }) });
  const names = Object.keys(outcomes) as Name[];
  const runs = fc.array(fc.tuple(fc.nat(60_000), fc.constantFrom(...names)), { minLength: 1, maxLength: 40 }).map((steps) => {
    let awakeMs = 0;
    return steps.map(([afterMs, name]) => {
      awakeMs += afterMs;
      return [awakeMs, name] as const;
    });
  });

  test('the history fits its schema, and a streak is there whole or not at all', () => {
    fc.assert(
      fc.property(timing, runs, (rules, given) => {
        const history = RuleHistory.parse(replay(rules, given));
        expect(history.badSinceMs === null).toBe(history.lastBad === null);
        if (history.badSinceMs === null) expect(history.settledAtMs).toBeNull();
        if (history.settledAtMs !== null) expect(history.settledAtMs - (history.badSinceMs ?? 0)).toBeGreaterThanOrEqual(rules.settleMs);
      }),
    );
  });

  test('recovery takes exactly recoverRuns good runs', () => {
    fc.assert(
      fc.property(timing, runs, (rules, given) => {
        const last = given.at(-1)?.[0] ?? 0;
        const bad = [...given, [last, 'fail'] as const];
        const good = (count: number) => Array.from({ length: count }, (_, index) => [last + index, index % 2 ? 'idle' : 'pass'] as const);
        expect(replay(rules, [...bad, ...good(rules.recoverRuns - 1)])?.lastBad).toEqual(outcomes.fail);
        expect(replay(rules, [...bad, ...good(rules.recoverRuns)])?.lastBad).toBeNull();
      }),
    );
  });

  test('an outcome that keeps coming back within recoverRuns settles, however it flaps', () => {
    const flaps = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.constantFrom<Name>('fail', 'slow', 'blind')), {
      minLength: 2,
      maxLength: 30,
    });
    fc.assert(
      fc.property(timing, flaps, fc.integer({ min: 1, max: 10_000 }), (rules, given, everyMs) => {
        const sequence = given.flatMap(([goods, bad]): Name[] => [
          bad,
          ...Array<Name>(Math.min(goods, rules.recoverRuns - 1)).fill('pass'),
        ]);
        const timed = sequence.map((name, index) => [index * everyMs, name] as const);
        const lastBadMs = timed.findLast(([, name]) => isBad(outcomes[name]))?.[0] ?? 0;
        expect(replay(rules, timed)?.settledAtMs !== null).toBe(lastBadMs >= rules.settleMs);
      }),
    );
  });

  test('the wall clock decides nothing', () => {
    const jump = fc.integer({ min: -86_400_000, max: 86_400_000 });
    fc.assert(
      fc.property(timing, runs, fc.array(jump, { minLength: 40, maxLength: 40 }), (rules, given, jumps) => {
        let jumped: RuleHistory | undefined;
        for (const [index, [awakeMs, name]] of given.entries()) {
          jumped = recordRun(jumped, rules, outcomes[name], { awakeMs, wallIso: wall(awakeMs + (jumps[index] ?? 0)) });
        }
        const steady = replay(rules, given);
        expect({ ...jumped, kindSince: steady?.kindSince, lastPassAt: steady?.lastPassAt }).toEqual(steady);
        expect(jumped?.lastPassAt === null).toBe(steady?.lastPassAt === null);
      }),
    );
  });
});
