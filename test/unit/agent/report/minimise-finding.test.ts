import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { minimiseFinding } from '../../../../agent/report/minimise-finding.ts';
import { catalog } from '../../../../checks/catalog.ts';
import { evidenceFields } from '../../../../checks/evidence-fields.ts';
import { arbitraryOf } from '../../../contract/arbitrary-evidence.ts';
import { aFinding, classyCheck } from './sample-report.ts';

const evidence = {
  count: 4,
  hosts: ['turn.example.com', 'web.example.com'],
  serial: 'SERIAL-77',
  users: [
    { name: 'MARKER-ONE', admin: true },
    { name: 'MARKER-TWO', admin: false },
  ],
  homes: { '/home/MARKER-THREE': 12 },
};
const minimise = (allowed: string[], overrides = {}) => minimiseFinding(classyCheck, aFinding({ evidence, ...overrides }), allowed);

describe('of evidence', () => {
  it('public and internal fields leave by default, and what was lost is told', () => {
    const { finding, restricted } = minimise([]);
    expect(finding.evidence).toEqual({ count: 4, hosts: evidence.hosts, users: [{ admin: true }, { admin: false }] });
    expect([finding.partial, restricted]).toEqual([true, {}]);
  });

  it('only what the list names leaves, restricted fields sealed and by the place of each value', () => {
    const list = ['public', 'device.classy/serial', 'device.classy/users[].name', 'device.classy/homes{}'];
    const { finding, restricted } = minimise(list);
    expect(finding.evidence).toEqual({ count: 4, serial: 'SERIAL-77' });
    expect(finding.partial).toBe(true);
    expect(restricted).toEqual({ 'users.0.name': 'MARKER-ONE', 'users.1.name': 'MARKER-TWO', 'homes./home/MARKER-THREE': 12 });
  });

  it('nothing is partial where nothing was there to lose', () => {
    const whole = { count: 4, hosts: [], users: [] };
    expect(minimise([], { evidence: whole }).finding).toMatchObject({ evidence: whole, partial: false });
    // Of a field that stays, that it is empty is told to nobody.
    expect(minimise([], { evidence: { ...whole, homes: {} } }).finding).toMatchObject({ evidence: whole, partial: true });
  });

  it('nothing leaves when its check is unknown, another one, or its schema refuses it', () => {
    const other = { ...classyCheck, id: catalog[0]?.id ?? classyCheck.id };
    for (const check of [undefined, other]) {
      expect(minimiseFinding(check, aFinding({ evidence }), [])).toMatchObject({
        finding: { evidence: null, partial: true },
        restricted: {},
      });
    }
    expect(minimise([], { evidence: { ...evidence, count: 'four' } })).toMatchObject({ finding: { evidence: null, partial: true } });
  });

  it('that was never gathered nothing is lost', () => {
    for (const check of [undefined, classyCheck]) {
      expect(minimiseFinding(check, aFinding({ evidence: null }), []).finding).toMatchObject({ evidence: null, partial: false });
    }
  });

  it('a field that could be two, or that holds what nobody described, is of no class', () => {
    const shape = z.union([z.strictObject({ a: z.string() }), z.record(z.string(), z.string())]).meta({ class: 'public' });
    const check = { ...classyCheck, evidence: z.strictObject({ either: shape, any: z.unknown().meta({ class: 'public' }) }) };
    const { finding } = minimiseFinding(check, aFinding({ evidence: { either: { a: 'x', b: 'y' }, any: { deep: [1] } } }), []);
    expect(finding).toMatchObject({ evidence: { either: { b: 'y' }, any: { deep: [1] } }, partial: true });
  });
});

describe('of the outcome', () => {
  it('words that repeat what stays are masked, and no others', () => {
    const args = { hosts: 'turn.example.com', who: 'found MARKER-ONE here', serial: 'SERIAL-77', count: 4, home: '/home/MARKER-THREE' };
    const { finding } = minimise([], { outcome: { kind: 'fail', reason: 'bad', args } });
    expect(finding.outcome).toEqual({
      kind: 'fail',
      reason: 'bad',
      args: { hosts: 'turn.example.com', who: '…', serial: '…', count: 4, home: '…' },
    });
    const blind = minimise([], { outcome: { kind: 'unknown', cause: 'inconclusive', detail: 'cannot tell MARKER-TWO' } });
    expect(blind.finding.outcome).toEqual({ kind: 'unknown', cause: 'inconclusive', detail: '…' });
    const unread = minimise([], { evidence: { strange: 'SECRET' }, outcome: { kind: 'fail', reason: 'bad', args: { it: 'SECRET' } } });
    expect(unread.finding.outcome).toMatchObject({ args: { it: '…' } });
  });
});

describe.each(catalog.map((check) => ({ id: check.id, check })))('$id', ({ check }) => {
  it('tells the whole of whatever fits its schema when every class may leave, and nothing when none may', () => {
    const named = evidenceFields(check.evidence).flatMap((field) => (field.class === 'confidential' ? [`${check.id}/${field.path}`] : []));
    const property = fc.property(arbitraryOf(check.evidence), (drawn) => {
      const raw = check.evidence.parse(drawn);
      const finding = aFinding({ check: check.id, evidence: raw });
      expect(minimiseFinding(check, finding, ['public', 'internal', ...named]).finding).toEqual(finding);
      const nothing = minimiseFinding(check, finding, ['device.none/at-all']);
      expect(nothing.finding.evidence).toBeNull();
    });
    fc.assert(property, { numRuns: 100, interruptAfterTimeLimit: 3_000 });
  });
});
