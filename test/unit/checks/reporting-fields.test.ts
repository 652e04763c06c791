import { expect, it } from 'vitest';
import { catalog } from '../../../checks/catalog.ts';
import type { FieldClass } from '../../../checks/evidence-fields.ts';
import { howLeaves, reportingProblems } from '../../../checks/reporting-fields.ts';
import { CheckId } from '../../../contracts/finding.ts';

const id = CheckId.parse('device.classy');
const leaves = (fieldClass: FieldClass | null, allowed: string[]) =>
  howLeaves(id, { path: 'users[].name', type: 'string', class: fieldClass, description: '' }, allowed);
const named = 'device.classy/users[].name';

it.each<[string, string[], Record<string, string>]>([
  ['an empty list', [], { public: 'plain', internal: 'plain', confidential: 'no', restricted: 'no' }],
  ['a class', ['public'], { public: 'plain', internal: 'no', confidential: 'no', restricted: 'no' }],
  ['the field itself', [named], { public: 'plain', internal: 'plain', confidential: 'plain', restricted: 'sealed' }],
  ['another field', ['device.classy/count'], { public: 'no', internal: 'no', confidential: 'no', restricted: 'no' }],
  ['the field of another check', ['device.other/users[].name'], { public: 'no', internal: 'no', confidential: 'no', restricted: 'no' }],
  ['a class that is no entry', ['confidential', 'restricted'], { public: 'no', internal: 'no', confidential: 'no', restricted: 'no' }],
])('%s lets out what it names', (_name, allowed, expected) => {
  for (const [fieldClass, how] of Object.entries(expected))
    expect([fieldClass, leaves(fieldClass as FieldClass, allowed)]).toEqual([fieldClass, how]);
  expect(leaves(null, allowed)).toBe('no');
});

it('names the entries that match nothing, and what was meant', () => {
  const fields = ['public', 'internal', 'network.dns/names[].addresses[]', 'network.dns/names[].adresses[]', 'network.dns', 'confidential'];
  expect(reportingProblems({ reporting: { fields } }, catalog)).toEqual([
    {
      path: ['reporting', 'fields', 3],
      message: 'there is no evidence field "network.dns/names[].adresses[]"; did you mean "network.dns/names[].addresses[]"?',
    },
    { path: ['reporting', 'fields', 4], message: expect.stringContaining('there is no evidence field "network.dns"') },
    { path: ['reporting', 'fields', 5], message: expect.stringContaining('there is no evidence field "confidential"') },
  ]);
});
