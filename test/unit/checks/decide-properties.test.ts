import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../../checks/decide.ts';
import { CheckId, RuleId } from '../../../contracts/finding.ts';
import type { RuleHistory } from '../../../contracts/history.ts';
import { type Standing, Verdict } from '../../../contracts/verdict.ts';
import { fakePolicy, fakeRule } from '../../fakes/fake-policy.ts';
import { at, DAY_MS, findingOf, type Name, NOW_WALL_MS, outcomes, type Runs, situation, waiver } from './situation.ts';

const plain = fakeRule('network.a');

describe('for any situation', () => {
  const rank: Record<Standing, number> = { clear: 0, caution: 1, undetermined: 2, blocked: 3 };
  const checks = ['network.a', 'network.b', 'tls.c', 'device.d'];
  const enforcement = fc.constantFrom('block', 'warn', 'note');
  const anyRule = fc
    .record({
      check: fc.constantFrom(...checks),
      everyMs: fc.integer({ min: 1_000, max: 120_000 }),
      settleMs: fc.constantFrom(0, 5_000, 60_000),
      graceMs: fc.constantFrom(0, 5_000, 120_000),
      recoverRuns: fc.integer({ min: 1, max: 3 }),
      vantage: fc.constantFrom(undefined, 'endpoint' as const, 'vdi-guest' as const),
      on: fc.record({ fail: enforcement, degraded: enforcement, unknown: enforcement }),
    })
    .map(({ check, vantage, ...rest }) => fakeRule(check, { ...rest, ...(vantage && { vantage }) }));
  const anyRuns = fc
    .array(fc.tuple(fc.nat(90_000), fc.constantFrom(...(Object.keys(outcomes) as Name[]))), { maxLength: 8 })
    .map((steps) => steps.toSorted(([a], [b]) => b - a));
  const anyGiven = fc
    .array(fc.tuple(anyRule, anyRuns), { maxLength: 7 })
    .map((given) => given.map(([rule, runs], index) => [{ ...rule, id: RuleId.parse(`rule-${index}`) }, runs] as const));
  const anyNeeds = fc
    .array(fc.tuple(fc.constantFrom(...checks), fc.array(fc.constantFrom(...checks))))
    .map((pairs) => new Map(pairs.map(([check, needed]) => [CheckId.parse(check), needed.map((one) => CheckId.parse(one))])));
  const anyWaivers = fc.array(fc.tuple(fc.nat(7), fc.integer({ min: -1_000, max: 1_000 })).map(([n, until]) => waiver(`rule-${n}`, until)));
  const anySituation = fc
    .tuple(anyGiven, anyNeeds, anyWaivers)
    .map(([given, needs, waivers]) => ({ given, input: situation(given, { needs, waivers }) }));

  test('the verdict fits its contract', () => {
    fc.assert(fc.property(anySituation, ({ input }) => void Verdict.parse(decide(input))));
  });

  test('findings and history that contradict each other do not throw', () => {
    const outcome = fc.constantFrom(...Object.values(outcomes));
    const ms = fc.double({ noNaN: true, noDefaultInfinity: true });
    const lastBad = fc.constantFrom(outcomes.fail, outcomes.slow, outcomes.blind, outcomes.lacking);
    const streak = fc.option(fc.record({ sinceMs: ms, settledAtMs: fc.option(ms), lastBad, missedRuns: fc.nat() }));
    const history = fc.record<RuleHistory>({
      streaks: fc.record({ note: streak, warn: streak, block: streak }),
      observedAtMs: ms,
      goodRuns: fc.nat(),
      kind: fc.constantFrom('pass', 'fail', 'degraded', 'unknown', 'not-applicable'),
      kindSince: fc.constant(at(0)),
      lastPassAt: fc.constantFrom(null, at(0)),
    });
    fc.assert(
      fc.property(anySituation, fc.array(fc.tuple(outcome, history), { maxLength: 7 }), ms, ({ given, input }, told, awakeMs) => {
        const findings = given.flatMap(([rule], index) => (told[index] ? [findingOf(rule, told[index][0])] : []));
        const histories = new Map(given.flatMap(([rule], index) => (told[index] ? [[rule.id, told[index][1]]] : [])));
        Verdict.parse(decide({ ...input, findings, history: histories, now: { wallMs: NOW_WALL_MS, awakeMs } }));
      }),
    );
  });

  test('folding never pardons: needs change causes alone, and every hit is told exactly once', () => {
    fc.assert(
      fc.property(anySituation, ({ input }) => {
        const { causes, ...folded } = decide(input);
        const { causes: hits, ...unfolded } = decide({ ...input, needs: new Map() });
        expect(folded).toEqual(unfolded);
        expect(hits.flatMap((cause) => cause.explains)).toEqual([]);
        expect(causes.flatMap((cause) => [cause.rule, ...cause.explains]).sort()).toEqual(hits.map((hit) => hit.rule).sort());
      }),
    );
  });

  test('the standing is the worst of all hits and of what is undetermined', () => {
    fc.assert(
      fc.property(anySituation, ({ input }) => {
        const { causes: hits, standing, undetermined } = decide({ ...input, needs: new Map() });
        const each = hits.map((hit): Standing => {
          if (hit.enforcement === 'note') return 'clear';
          return hit.enforcement === 'block' && hit.blocksAt === null ? 'blocked' : 'caution';
        });
        const all: Standing[] = ['clear', ...each, ...undetermined.map((): Standing => 'undetermined')];
        expect(rank[standing]).toBe(Math.max(...all.map((one) => rank[one])));
      }),
    );
  });

  test('a waiver never makes the standing worse', () => {
    fc.assert(
      fc.property(anySituation, fc.nat(7), ({ input }, n) => {
        const waived = decide({ ...input, waivers: [...input.waivers, waiver(`rule-${n}`, 5_000)] });
        expect(rank[waived.standing]).toBeLessThanOrEqual(rank[decide(input).standing]);
      }),
    );
  });

  test('one rule that turns from good to settled bad, or goes missing, never makes the standing better', () => {
    const worse = fc.constantFrom<Runs>(
      [
        [90_000, 'fail'],
        [0, 'fail'],
      ],
      [
        [90_000, 'slow'],
        [0, 'slow'],
      ],
      [
        [90_000, 'blind'],
        [0, 'blind'],
      ],
      [],
    );
    fc.assert(
      fc.property(anySituation, anyRule, worse, ({ given, input }, rule, runs) => {
        const standingWith = (these: Runs) =>
          decide(situation([...given, [rule, these]], { needs: input.needs, waivers: input.waivers })).standing;
        expect(rank[standingWith(runs)]).toBeGreaterThanOrEqual(rank[standingWith([[0, 'pass']])]);
      }),
    );
  });

  test('enforcing more never makes the standing better', () => {
    const raised = { note: 'warn', warn: 'block', block: 'block' } as const;
    fc.assert(
      fc.property(anySituation, ({ input }) => {
        const rules = input.policy.rules.map((rule) => ({
          ...rule,
          on: { fail: raised[rule.on.fail], degraded: raised[rule.on.degraded], unknown: raised[rule.on.unknown] },
        }));
        const strict = decide({ ...input, policy: { ...input.policy, rules } });
        expect(rank[strict.standing]).toBeGreaterThanOrEqual(rank[decide(input).standing]);
      }),
    );
  });

  test('a blocking rule without a fresh finding is never clear', () => {
    fc.assert(
      fc.property(anySituation, ({ input }) => {
        const verdict = decide({ ...input, policy: fakePolicy([...input.policy.rules, plain]) });
        expect(verdict.undetermined).toContain(plain.id);
        expect(['undetermined', 'blocked']).toContain(verdict.standing);
      }),
    );
  });

  test('a jump of the wall clock changes times shown and nothing else', () => {
    fc.assert(
      fc.property(anySituation, fc.integer({ min: -DAY_MS, max: DAY_MS }), ({ input }, jumpMs) => {
        const steady = { ...input, waivers: [] };
        const shown = (wallMs: number) => {
          const verdict = decide({ ...steady, now: { ...steady.now, wallMs } });
          const sinceNow = (time: string | null) => (time === null ? null : Date.parse(time) - wallMs);
          return {
            ...verdict,
            causes: verdict.causes.map((cause) => ({ ...cause, blocksAt: sinceNow(cause.blocksAt) })),
            blocksAt: sinceNow(verdict.blocksAt),
            decidedAt: sinceNow(verdict.decidedAt),
            validUntil: sinceNow(verdict.validUntil),
          };
        };
        expect(shown(NOW_WALL_MS + jumpMs)).toEqual(shown(NOW_WALL_MS));
      }),
    );
  });
});
