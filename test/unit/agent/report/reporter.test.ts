import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type DeskView, MAX_REPORT_BYTES } from '../../../../agent/report/build-report.ts';
import { createReporter, type MadeReport } from '../../../../agent/report/reporter.ts';
import { catalog } from '../../../../checks/catalog.ts';
import type { EnforcerNoteCode, EnforcerStatus } from '../../../../contracts/enforcer.ts';
import { CheckId, type Finding, RuleId } from '../../../../contracts/finding.ts';
import { type ReleaseRecord, Report } from '../../../../contracts/report.ts';
import { loadCases } from '../../../cases/load-cases.ts';
import { fakeClock } from '../../../fakes/fake-clock.ts';
import { EPOCH } from './open-box.ts';
import { AT, aFinding, aVerdict, aView, classyCheck } from './sample-report.ts';

const DAY_MS = 24 * 60 * 60_000;
const rule = (id: string) => RuleId.parse(id);

function reporting() {
  const clock = fakeClock(AT);
  const reporter = createReporter({ checks: [classyCheck], wallMs: clock.wallMs });
  const consider = (view: Partial<DeskView> = {}, allowed: string[] = []) => reporter.consider(aView(view), allowed);
  return { clock, reporter, consider };
}

/** As the daemon sends it. */
function whole({ draft }: MadeReport): Report {
  return Report.parse({ ...draft, id: EPOCH, epoch: EPOCH, seq: 0, sealed: null });
}

function say(made: MadeReport | null): unknown {
  return made && [made.draft.scope, made.kind, made.draft.findings.map((finding) => finding.rule)];
}

const one = aFinding({ rule: rule('one') });
const two = aFinding({ rule: rule('two') });
const failed = aFinding({
  rule: rule('two'),
  outcome: { kind: 'fail', reason: 'bad', args: { host: 'a', ms: 1 } },
  since: '2026-03-02T09:00:00.000Z',
});

describe('a report is made', () => {
  it('first, full; then only for what is new, with the findings that are', () => {
    const { consider } = reporting();
    const first = consider({ findings: [one, two] });
    expect(say(first)).toEqual(['full', 'change', ['one', 'two']]);
    expect(first && whole(first).madeAt).toBe(AT);
    expect(consider({ findings: [one, two] })).toBeNull();
    expect(say(consider({ findings: [one, failed] }))).toEqual(['changes', 'change', ['two']]);
    expect(consider({ findings: [one, failed] })).toBeNull();
  });

  it.each<[string, Finding, boolean]>([
    [
      'another time and evidence',
      { ...failed, observedAt: AT, tookMs: 99, evidence: { count: 9, hosts: [] }, goodRuns: 1, badForMs: 8 },
      false,
    ],
    ['another number in its words', { ...failed, outcome: { kind: 'fail', reason: 'bad', args: { host: 'a', ms: 2 } } }, false],
    ['another word', { ...failed, outcome: { kind: 'fail', reason: 'bad', args: { host: 'b', ms: 1 } } }, true],
    ['another reason', { ...failed, outcome: { kind: 'fail', reason: 'worse', args: { host: 'a', ms: 1 } } }, true],
    ['another kind', { ...failed, outcome: { kind: 'degraded', reason: 'bad', args: { host: 'a', ms: 1 } } }, true],
    ['gone and come back meanwhile', { ...failed, since: '2026-03-02T10:00:00.000Z' }, true],
    ['another revision of the check', { ...failed, revision: 3 }, true],
    ['another blindness', { ...failed, outcome: { kind: 'unknown', cause: 'denied', detail: '' } }, true],
  ])('of a finding with %s, or not', (_name, next, isNew) => {
    const { consider } = reporting();
    consider({ findings: [one, failed] });
    expect(say(consider({ findings: [one, next] }))).toEqual(isNew ? ['changes', 'change', ['two']] : null);
  });

  it('for the verdict, whatever of it changed but its times, and without a finding if none did', () => {
    const { consider } = reporting();
    consider();
    expect(consider({ verdict: aVerdict({ decidedAt: '2026-03-02T09:00:00.000Z', validUntil: '2026-03-02T10:00:00.000Z' }) })).toBeNull();
    const caution = aVerdict({ standing: 'caution' });
    expect(say(consider({ verdict: caution }))).toEqual(['changes', 'change', []]);
    const waived = { ...caution, waivers: ['00000000-0000-4000-8000-000000000009'] };
    expect(say(consider({ verdict: waived }))).toEqual(['changes', 'change', []]);
    const cause = { rule: rule('one'), check: CheckId.parse('device.classy'), enforcement: 'block' as const, explains: [], waiver: null };
    const blocks = (at: string) => ({ ...waived, causes: [{ ...cause, blocksAt: at }] });
    expect(consider({ verdict: blocks('2026-03-02T09:00:00.000Z') })).not.toBeNull();
    expect(consider({ verdict: blocks('2026-03-02T09:00:00.400Z') })).toBeNull();
    expect(consider({ verdict: blocks('2026-03-02T09:20:00.000Z') })).not.toBeNull();
  });

  it('for the gate and what enforces it, not for calls', () => {
    const { consider } = reporting();
    const { gate } = aView();
    const window = (detail: string, code: EnforcerNoteCode): EnforcerStatus => ({
      enforcer: 'window',
      wanted: 'closed',
      state: 'written',
      targets: [{ target: 'ccp', state: 'written', notes: [{ code, detail }] }],
    });
    consider();
    expect(consider({ gate: { ...gate, activity: 'on-call' } })).toBeNull();
    const draining = { ...gate, wouldBe: 'draining', reason: 'blocked' } as const;
    expect(say(consider({ gate: draining }))).toEqual(['changes', 'change', []]);
    const acting = { ...draining, enforcers: [window('1 s', 'settling')] };
    expect(consider({ gate: acting })).not.toBeNull();
    expect(consider({ gate: { ...draining, enforcers: [window('2 s', 'settling')] } })).toBeNull();
    expect(consider({ gate: { ...draining, enforcers: [window('2 s', 'not-acknowledged')] } })).not.toBeNull();
  });

  it('for releases that none has told of, fifty at a time', () => {
    const { consider } = reporting();
    const releases: ReleaseRecord[] = Array.from({ length: 60 }, (_, i) => ({
      id: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
      by: 'code',
      uid: 1000,
      from: AT,
      until: AT,
    }));
    consider();
    const made = consider({ releases });
    expect(made?.draft.releases).toEqual(releases.slice(0, 50));
    expect(consider({ releases: releases.slice(50) })?.draft.releases).toEqual(releases.slice(50));
    expect(consider()).toBeNull();
  });
});

describe('a report is full', () => {
  it('after a day of wall time, and then tells nothing new', () => {
    const { clock, consider } = reporting();
    consider();
    clock.advance(DAY_MS - 1);
    expect(consider()).toBeNull();
    clock.advance(1);
    expect(say(consider())).toEqual(['full', 'unchanged', ['device.classy']]);
    expect(consider()).toBeNull();
    clock.setWall(clock.wallMs() - DAY_MS);
    expect(say(consider())).toEqual(['full', 'unchanged', ['device.classy']]);
  });

  it('a day after the last full one, however many changes came between', () => {
    const { clock, consider } = reporting();
    consider({ findings: [one, two] });
    clock.advance(DAY_MS / 2);
    expect(say(consider({ findings: [one, failed] }))).toEqual(['changes', 'change', ['two']]);
    clock.advance(DAY_MS / 2);
    expect(say(consider({ findings: [one, failed] }))).toEqual(['full', 'unchanged', ['one', 'two']]);
  });

  it('when other documents hold, or a rule has no finding any more', () => {
    const { consider } = reporting();
    consider({ findings: [one, two] });
    expect(say(consider({ findings: [one] }))).toEqual(['full', 'change', ['one']]);
    const other = aVerdict({ policy: { id: 'acme-floor', revision: 4 } });
    expect(say(consider({ findings: [one], verdict: other }))).toEqual(['full', 'change', ['one']]);
    expect(say(consider({ findings: [one], verdict: { ...other, allowlist: { revision: 8 } } }))).toEqual(['full', 'change', ['one']]);
  });

  it('at once when it is demanded, and with the next reason when it is owed', () => {
    const { reporter, consider } = reporting();
    consider({ findings: [one, two] });
    reporter.demandFull();
    expect(say(consider({ findings: [one, two] }))).toEqual(['full', 'change', ['one', 'two']]);
    reporter.oweFull();
    expect(consider({ findings: [one, two] })).toBeNull();
    expect(say(consider({ findings: [one, failed] }))).toEqual(['full', 'change', ['one', 'two']]);
    expect(say(consider({ findings: [one, two] }))).toEqual(['changes', 'change', ['two']]);
  });
});

describe('the size of a report', () => {
  const evidence = (bytes: number) => ({ count: 1, hosts: ['h'.repeat(bytes)] });
  const sized = (i: number, bytes: number, words = '') =>
    aFinding({
      rule: rule(`rule-${String(i).padStart(3, '0')}`),
      evidence: evidence(bytes),
      outcome: { kind: 'fail', reason: 'bad', args: { a: words, b: words, c: words } },
    });

  it('is bounded by leaving out the largest evidence first', () => {
    const findings = Array.from({ length: 40 }, (_, i) => sized(i, i * 500));
    const made = reporting().consider({ findings });
    const report = made && whole(made);
    const kept = report?.findings.filter((finding) => finding.evidence !== null) ?? [];
    expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThan(MAX_REPORT_BYTES - 100_000);
    expect(kept.length).toBeGreaterThan(15);
    expect(kept.map((finding) => finding.rule)).toEqual(findings.slice(0, kept.length).map((finding) => finding.rule));
    expect(report?.findings.map(({ partial, evidence }) => partial === (evidence === null))).not.toContain(false);
  });

  it('is bounded for 200 findings with the longest words, of three bytes each', () => {
    const findings = Array.from({ length: 200 }, (_, i) => sized(i, 15_000, '断'.repeat(2_000)));
    const made = reporting().consider({ findings });
    const report = made && whole(made);
    expect(report?.findings).toHaveLength(200);
    expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThan(MAX_REPORT_BYTES - 100_000);
  });

  it('is within 16 KiB with the largest evidence of every check that its cases have', async () => {
    const findings = await Promise.all(
      catalog.map(async (check) => {
        const cases = (await loadCases(check))?.cases ?? [];
        const [largest] = cases.map(({ evidence }) => evidence).sort((a, b) => JSON.stringify(b).length - JSON.stringify(a).length);
        return aFinding({ check: check.id, rule: rule(check.id), evidence: largest });
      }),
    );
    const made = createReporter({ checks: catalog, wallMs: fakeClock(AT).wallMs }).consider(aView({ findings }), []);
    const text = JSON.stringify(made && whole(made));
    console.log(`${text.length} bytes, ${gzipSync(text).length} gzip`);
    expect(made?.draft.findings.filter(({ evidence }) => evidence === null)).toEqual([]);
    expect(Buffer.byteLength(text)).toBeLessThan(16 * 1024);
  });
});
