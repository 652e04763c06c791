import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recordRun } from '../../../checks/history.ts';
import { RuleHistory, type Streak } from '../../../contracts/history.ts';
import type { Outcome } from '../../../contracts/outcome.ts';
import { isBad } from '../../../contracts/outcome.ts';
import type { Rule } from '../../../contracts/policy.ts';

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

const allBlock = { fail: 'block', degraded: 'block', unknown: 'block' } as const;
const mixed = { fail: 'block', degraded: 'warn', unknown: 'note' } as const;

type Timing = Pick<Rule, 'settleMs' | 'recoverRuns'> & Partial<Pick<Rule, 'on'>>;

/** Where the rule does not say, every bad outcome blocks and the three streaks are one. */
function replay(rule: Timing, runs: readonly (readonly [number, Name])[]): RuleHistory | undefined {
  let history: RuleHistory | undefined;
  for (const [awakeMs, name] of runs)
    history = recordRun(history, { on: allBlock, ...rule }, outcomes[name], { awakeMs, wallIso: wall(awakeMs) });
  return history;
}

const rule = { settleMs: 30_000, recoverRuns: 2 };
const same = (streak: Streak | null) => ({ note: streak, warn: streak, block: streak });
const healthy = { streaks: same(null) };

test.each<[string, [number, Name][], RuleHistory]>([
  ['a first pass', [[0, 'pass']], { ...healthy, observedAtMs: 0, goodRuns: 1, kind: 'pass', kindSince: wall(0), lastPassAt: wall(0) }],
  [
    'a single bad run does not settle',
    [
      [0, 'pass'],
      [10, 'fail'],
    ],
    {
      streaks: same({ sinceMs: 10, lastBad: outcomes.fail, settledAtMs: null, missedRuns: 0 }),
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
      streaks: same({ sinceMs: 0, lastBad: outcomes.blind, settledAtMs: 30_000, missedRuns: 0 }),
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
      streaks: same({ sinceMs: 0, lastBad: outcomes.fail, settledAtMs: null, missedRuns: 1 }),
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
      streaks: same({ sinceMs: -15_000, lastBad: outcomes.fail, settledAtMs: 15_000, missedRuns: 0 }),
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
  expect(replay({ settleMs: 0, recoverRuns: 1 }, [[7, 'fail']])?.streaks.block?.settledAtMs).toBe(7);
});

test.each<[string, [number, Name][], Partial<Record<'note' | 'warn' | 'block', [sinceMs: number, settled: boolean]>>]>([
  [
    'a failure in a long-settled milder streak needs its own time to settle',
    [
      [0, 'slow'],
      [60_000, 'slow'],
      [70_000, 'fail'],
    ],
    { note: [0, true], warn: [0, true], block: [70_000, false] },
  ],
  [
    'one blind run does not take a block away',
    [
      [0, 'fail'],
      [30_000, 'fail'],
      [40_000, 'blind'],
    ],
    { note: [0, true], warn: [0, true], block: [0, true] },
  ],
  [
    'two do, and what they say has been settled all along',
    [
      [0, 'fail'],
      [30_000, 'fail'],
      [40_000, 'blind'],
      [50_000, 'blind'],
    ],
    { note: [0, true] },
  ],
  [
    'a failure that turns milder for good goes on as the milder one',
    [
      [0, 'fail'],
      [30_000, 'fail'],
      [40_000, 'slow'],
      [50_000, 'slow'],
    ],
    { note: [0, true], warn: [0, true] },
  ],
])('%s', (_name, runs, expected) => {
  const { streaks } = replay({ ...rule, on: mixed }, runs) ?? { streaks: same(null) };
  const told = Object.entries(streaks).flatMap(([level, streak]) =>
    streak ? [[level, [streak.sinceMs, streak.settledAtMs !== null]]] : [],
  );
  expect(Object.fromEntries(told)).toEqual(expected);
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

  test('the history fits its schema, and no streak settles early', () => {
    fc.assert(
      fc.property(timing, runs, (rules, given) => {
        const history = RuleHistory.parse(replay(rules, given));
        for (const streak of Object.values(history.streaks)) {
          if (streak?.settledAtMs) expect(streak.settledAtMs - streak.sinceMs).toBeGreaterThanOrEqual(rules.settleMs);
        }
      }),
    );
  });

  test('a milder streak holds every stricter one', () => {
    fc.assert(
      fc.property(timing, runs, (rules, given) => {
        const { note, warn, block } = replay({ ...rules, on: mixed }, given)?.streaks ?? same(null);
        for (const [mild, strict] of [
          [note, warn],
          [warn, block],
        ] as const) {
          if (strict === null) continue;
          expect(mild?.sinceMs).toBeLessThanOrEqual(strict.sinceMs);
          if (strict.settledAtMs !== null) expect(mild?.settledAtMs).toBeLessThanOrEqual(strict.settledAtMs);
        }
      }),
    );
  });

  test('recovery takes exactly recoverRuns good runs', () => {
    fc.assert(
      fc.property(timing, runs, (rules, given) => {
        const last = given.at(-1)?.[0] ?? 0;
        const bad = [...given, [last, 'fail'] as const];
        const good = (count: number) => Array.from({ length: count }, (_, index) => [last + index, index % 2 ? 'idle' : 'pass'] as const);
        expect(replay(rules, [...bad, ...good(rules.recoverRuns - 1)])?.streaks.block?.lastBad).toEqual(outcomes.fail);
        expect(replay(rules, [...bad, ...good(rules.recoverRuns)])?.streaks).toEqual(same(null));
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
        expect(typeof replay(rules, timed)?.streaks.block?.settledAtMs).toBe(lastBadMs >= rules.settleMs ? 'number' : 'object');
      }),
    );
  });

  test('the wall clock decides nothing', () => {
    const jump = fc.integer({ min: -86_400_000, max: 86_400_000 });
    fc.assert(
      fc.property(timing, runs, fc.array(jump, { minLength: 40, maxLength: 40 }), (rules, given, jumps) => {
        let jumped: RuleHistory | undefined;
        for (const [index, [awakeMs, name]] of given.entries()) {
          jumped = recordRun(jumped, { ...rules, on: allBlock }, outcomes[name], { awakeMs, wallIso: wall(awakeMs + (jumps[index] ?? 0)) });
        }
        const steady = replay(rules, given);
        expect({ ...jumped, kindSince: steady?.kindSince, lastPassAt: steady?.lastPassAt }).toEqual(steady);
        expect(jumped?.lastPassAt === null).toBe(steady?.lastPassAt === null);
      }),
    );
  });
});
