import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalog } from '../../../checks/catalog.ts';
import turnUdp from '../../../checks/network/turn-udp.check.ts';
import { resolvePolicy } from '../../../checks/resolve-policy.ts';
import { RuleId } from '../../../contracts/finding.ts';
import { type Policy, PolicyFile, type Rule } from '../../../contracts/policy.ts';
import { type Basis, judgeRule, type NotCollected, type StoredFinding, sameQuestions } from '../../../fleet/rejudge/judge-rule.ts';
import { type Draft, type Rejudged, rejudgeDesk } from '../../../fleet/rejudge/rejudge-desk.ts';
import { acmePlan } from '../../cases/acme-plan.ts';
import { fakePolicy, fakeRule } from '../../fakes/fake-policy.ts';
import { codeOf, type StoredCase, stored, storedCase, storedCases } from './stored-cases.ts';

const now = new Date('2026-03-02T09:00:00Z');
const none: ReadonlySet<string> = new Set();
const draftOf = (rules: Rule[], plan = acmePlan(), overrides: Partial<Policy> = {}): Draft => ({
  policy: fakePolicy(rules, overrides),
  plan,
  checks: catalog,
});

describe('the very code that ran on the desk', () => {
  it.each(storedCases.map((one) => [`${one.check.id}: ${one.row.name}`, one] as const))('%s', (_, one) => {
    const rule = fakeRule(one.check.id, { params: { ...one.row.params } });
    const answer = judgeRule(
      rule,
      draftOf([rule], one.plan),
      { findings: [storedCase(one)], same: none, waivers: [] },
      one.row.vantage ?? 'endpoint',
    );
    const { outcome } = one.row;
    // What the plan asks and nobody looked at is no outcome of a desk, but a hole in the evidence.
    const isHole = outcome.kind === 'unknown' && outcome.cause === 'not-collected';
    expect(answer).toEqual(isHole ? { notCollected: 'other-plan' } : { how: 'judged', outcome });
  });

  it('has seen enough cases to say so', () => {
    expect(storedCases.length).toBeGreaterThan(140);
    expect(new Set(storedCases.map(({ check }) => check.id)).size).toBe(catalog.length);
  });
});

const builtIn = (extra: object = {}): Policy =>
  resolvePolicy(PolicyFile.parse({ schema: 1, id: 'floor', instance: { alias: 'acme', region: 'us-west-2' }, ...extra }), catalog);

const common = acmePlan();
/** A desk has one case of each check; only of cases whose plan is the common one. */
const ownCases = catalog.map((check) =>
  storedCases.filter(
    ({ check: own, row }) => own === check && row.plan === undefined && row.params === undefined && row.vantage === undefined,
  ),
);
/** Numbers, since a case printed whole is pages of plan. */
const aDesk = fc.tuple(...ownCases.map((cases) => fc.nat(cases.length - 1)));
const findingsOf = (numbers: readonly number[]): StoredFinding[] =>
  ownCases.flatMap((cases, index) => {
    const found = cases[numbers[index] ?? 0];
    return found ? [storedCase(found)] : [];
  });

it('gives the same whether the desk’s judgements are kept or made again', () => {
  const basis: Basis = { policy: builtIn(), allowlist: common.allowlist.revision };
  const draft: Draft = { policy: basis.policy, plan: common, checks: catalog };
  const same = sameQuestions(basis, basis, catalog);
  expect(same.size).toBe(catalog.length);
  const standings = new Set<string>();
  fc.assert(
    fc.property(aDesk, (numbers) => {
      const findings = findingsOf(numbers);
      const kept = rejudgeDesk(draft, { findings: findings.map((one) => ({ ...one, detail: null })), same, waivers: [] }, now);
      const judged = rejudgeDesk(draft, { findings, same: none, waivers: [] }, now);
      // Of what nobody looked at the two only say differently why.
      const plain = ({ standing, why, notCollected }: Rejudged) => ({ standing, why, holes: notCollected.map(({ rule }) => rule) });
      expect(plain(judged)).toEqual(plain(kept));
      expect(kept.kept + kept.notCollected.length).toBe(catalog.length);
      standings.add(kept.standing);
    }),
    { numRuns: 500 },
  );
  expect([...standings].sort()).toEqual(expect.arrayContaining(['blocked', 'caution']));
});

it('is blocked exactly when a rule that is settled says so, and knows nothing less by a hole in the evidence', () => {
  fc.assert(
    fc.property(aDesk, fc.subarray(catalog.map(({ id }) => String(id))), fc.integer({ min: 0, max: 3 }), (numbers, missing, graceHours) => {
      const policy = builtIn();
      const slow = policy.rules.map((rule) => ({
        ...rule,
        graceMs: graceHours * 3_600_000,
        settleMs: graceHours * 60_000,
        recoverRuns: 3,
      }));
      const draft: Draft = { policy: { ...policy, rules: slow }, plan: common, checks: catalog };
      const findings = findingsOf(numbers).filter(({ check }) => !missing.includes(check));
      const { standing, why, notCollected } = rejudgeDesk(draft, { findings, same: none, waivers: [] }, now);
      const holes = notCollected.filter(({ rule }) => Object.values(slow.find(({ id }) => id === rule)?.on ?? {}).includes('block'));
      const blocks = why.some(({ enforcement }) => enforcement === 'block');
      const warns = why.some(({ enforcement }) => enforcement === 'warn');
      expect(standing).toBe(blocks ? 'blocked' : holes.length > 0 ? 'undetermined' : warns ? 'caution' : 'clear');
      for (const id of missing) expect(notCollected).toContainEqual({ rule: id, because: 'never-ran' });
    }),
    { numRuns: 300 },
  );
});

const failing = storedCases.find(
  ({ check, row }) => check === turnUdp && row.outcome.kind === 'fail' && row.plan === undefined,
) as StoredCase;
const passing = storedCases.find(
  ({ check, row }) => check === turnUdp && row.outcome.kind === 'pass' && row.plan === undefined,
) as StoredCase;

describe('evidence that cannot be judged is counted apart', () => {
  const rule = fakeRule('network.turn-udp');
  const good = storedCase(passing);
  const cases: [string, StoredFinding[], NotCollected][] = [
    ['a rule whose check the desk never ran', [], 'never-ran'],
    ['fields that were removed', [{ ...good, partial: true }], 'partial'],
    ['a check of another revision', [{ ...good, revision: good.revision + 1 }], 'other-revision'],
    ['evidence that does not fit', [stored(turnUdp, { kind: 'pass' }, { targets: 'all' })], 'unfit'],
    [
      'a check that did not apply there before',
      [stored(turnUdp, { kind: 'not-applicable', because: 'feature-absent' }, null)],
      'not-looked',
    ],
    ['a run that was stopped', [stored(turnUdp, { kind: 'unknown', cause: 'not-collected', detail: 'stopped' }, null)], 'not-looked'],
  ];
  it.each(cases)('%s', (_, findings, because) => {
    expect(rejudgeDesk(draftOf([rule]), { findings, same: none, waivers: [] }, now)).toEqual({
      standing: 'undetermined',
      why: [],
      notCollected: [{ rule: rule.id, because }],
      judged: 0,
      kept: 0,
    });
    // One that cannot block holds nobody up.
    const mild = fakeRule('network.turn-udp', { on: { fail: 'warn', degraded: 'note', unknown: 'note' } });
    expect(rejudgeDesk(draftOf([mild]), { findings, same: none, waivers: [] }, now).standing).toBe('clear');
  });

  it('a check that this version lacks', () => {
    const gone = fakeRule('network.gone');
    const finding = { ...good, rule: gone.id, check: gone.check };
    expect(rejudgeDesk(draftOf([gone]), { findings: [finding], same: none, waivers: [] }, now).notCollected).toEqual([
      { rule: 'network.gone', because: 'unknown-check' },
    ]);
  });
});

it.each([
  ['a desk that could not look', stored(turnUdp, { kind: 'unknown', cause: 'denied', detail: '' }, null), 'denied', 'block'],
  [
    'a desk that lacks the check',
    stored(turnUdp, { kind: 'unknown', cause: 'unsupported', detail: '' }, null, { revision: 0 }),
    'unsupported',
    'note',
  ],
])('keeps what %s says: no policy changes it', (_, finding, code, enforcement) => {
  const rule = fakeRule('network.turn-udp', { on: { fail: 'block', degraded: 'warn', unknown: 'block' } });
  const result = rejudgeDesk(draftOf([rule]), { findings: [finding], same: none, waivers: [] }, now);
  expect(result.why).toEqual([{ rule: 'network.turn-udp', enforcement, kind: 'unknown', code }]);
  expect(result.standing).toBe(enforcement === 'block' ? 'blocked' : 'clear');
});

it('judges a partial finding by the desk’s own word where the draft asks nothing else', () => {
  const before: Basis = {
    policy: fakePolicy([fakeRule('network.turn-udp', { on: { fail: 'note', degraded: 'note', unknown: 'note' } })]),
    allowlist: 1,
  };
  const draft = draftOf([fakeRule('network.turn-udp')]);
  const finding = { ...storedCase(failing), partial: true, detail: null };
  const same = sameQuestions({ policy: draft.policy, allowlist: 1 }, before, catalog);
  expect(rejudgeDesk(draft, { findings: [finding], same, waivers: [] }, now)).toMatchObject({
    standing: 'blocked',
    kept: 1,
    why: [{ rule: 'network.turn-udp', enforcement: 'block', kind: 'fail', code: codeOf(failing.row.outcome) }],
  });
});

it('holds a second rule of the same check against the evidence of the first', () => {
  const second = fakeRule('network.turn-udp', { id: RuleId.parse('turn-strict') });
  const result = rejudgeDesk(draftOf([second]), { findings: [storedCase(failing)], same: new Set(['turn-strict']), waivers: [] }, now);
  expect(result).toMatchObject({ standing: 'blocked', judged: 1, kept: 0 });
});

it('turns a waived block into a warning, and leaves out rules of the other vantage', () => {
  const rule = fakeRule('network.turn-udp');
  const waiver = { id: '0c9a2f5e-31a4-4b86-9d07-0f3f0f1f2f3f', rule: rule.id, until: '2026-03-02T10:00:00Z' };
  const desk = { findings: [storedCase(failing)], same: none, waivers: [waiver] };
  expect(rejudgeDesk(draftOf([rule]), desk, now)).toMatchObject({ standing: 'caution', why: [{ enforcement: 'warn' }] });
  expect(rejudgeDesk(draftOf([rule]), desk, new Date('2026-03-02T11:00:00Z')).standing).toBe('blocked');
  const elsewhere = fakeRule('network.turn-udp', { vantage: 'vdi-guest' });
  expect(rejudgeDesk(draftOf([elsewhere]), { ...desk, waivers: [] }, now)).toMatchObject({ standing: 'clear', notCollected: [] });
});

describe('what the draft asks that the desk has answered', () => {
  const basis = (extra: object = {}, allowlist = 3): Basis => ({ policy: builtIn(extra), allowlist });
  const same = (draft: Basis, before: Basis | null) => sameQuestions(draft, before, catalog).size;

  it('is everything where only enforcement and times differ', () => {
    const stricter = basis({
      rules: [
        { check: 'network.turn-udp', on: { unknown: 'block' }, settleMs: 5, everyMs: 10_000, graceMs: 7, recoverRuns: 9, critical: true },
      ],
      gate: { mode: 'enforce' },
    });
    expect(same(stricter, basis())).toBe(catalog.length);
  });
  it('is all but a rule with other parameters; defaults may be written out', () => {
    const other = basis({ rules: [{ check: 'network.allowlist-freshness', params: { warnAfterDays: 20 } }] });
    const written = basis({ rules: [{ check: 'network.allowlist-freshness', params: { warnAfterDays: 44 } }] });
    expect(same(written, basis())).toBe(catalog.length);
    expect(same(other, basis())).toBe(catalog.length - 1);
    expect(sameQuestions(other, basis(), catalog).has('network.allowlist-freshness')).toBe(false);
  });
  it('is nothing under another plan, another allowlist, or where nobody knows what it was', () => {
    expect(same(basis({ network: { turnAnswers: 'expected' } }), basis())).toBe(0);
    expect(same(basis({ features: { voice: false } }), basis())).toBe(0);
    expect(same(basis({}, 4), basis({}, 3))).toBe(0);
    expect(same(basis(), null)).toBe(0);
  });
});
