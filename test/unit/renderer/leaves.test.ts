import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { catalog } from '../../../checks/catalog.ts';
import { evidenceFields } from '../../../checks/evidence-fields.ts';
import { EnrolRequest, Heartbeat } from '../../../contracts/fleet-api.ts';
import { Report } from '../../../contracts/report.ts';
import { coveredBy, fieldsByClass } from '../../../renderer/posture/model/leaves.ts';

const covered = (message: 'report' | 'heartbeat' | 'enrolment') =>
  Object.values(coveredBy)
    .flatMap((group) => group[message] ?? [])
    .sort();

describe('what leaves this computer', () => {
  it.each([
    ['report', Report],
    ['heartbeat', Heartbeat],
    ['enrolment', EnrolRequest],
  ] as const)('tells of every part of the %s once, and of nothing else', (message, schema) => {
    expect(covered(message), `say in renderer/posture/model/leaves.ts what the ${message} holds`).toEqual(Object.keys(schema.shape).sort());
  });

  it('tells of every field of every check, once, under its own class', () => {
    const shown = fieldsByClass(catalog, []).flatMap((group) =>
      group.checks.flatMap(({ check, fields }) => fields.map((field) => `${check}/${field.path} ${group.class}`)),
    );
    const all = catalog.flatMap((check) => evidenceFields(check.evidence).map((field) => `${check.id}/${field.path} ${field.class}`));
    expect(shown.sort()).toEqual(all.sort());
  });

  it('sorts a check under each class that it has a field of', () => {
    const evidence = z.strictObject({ host: z.string().meta({ class: 'internal' }), user: z.string().meta({ class: 'restricted' }) });
    const [first] = catalog;
    const id = first?.id ?? expect.unreachable();
    const groups = fieldsByClass([{ id, evidence }], []).map(({ class: name, checks }) => [
      name,
      checks.flatMap(({ fields }) => fields.map(({ path }) => path)),
    ]);
    expect(groups).toEqual([
      ['public', []],
      ['internal', ['host']],
      ['confidential', []],
      ['restricted', ['user']],
    ]);
  });

  it('says of each field what the policy does with it', () => {
    const evidence = z.strictObject({
      at: z.string().meta({ class: 'public' }),
      host: z.string().meta({ class: 'internal' }),
      user: z.string().meta({ class: 'restricted' }),
    });
    const [first] = catalog;
    const id = first?.id ?? expect.unreachable();
    const leaving = (allowed: string[]) =>
      fieldsByClass([{ id, evidence }], allowed).flatMap(({ checks }) =>
        checks.flatMap(({ fields }) => fields.map(({ leaves }) => leaves)),
      );
    expect(leaving([])).toEqual(['plain', 'plain', 'no']);
    expect(leaving(['public'])).toEqual(['plain', 'no', 'no']);
    expect(leaving([`${id}/user`])).toEqual(['no', 'no', 'sealed']);
  });
});
