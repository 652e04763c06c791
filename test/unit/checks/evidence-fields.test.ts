import { expect, it } from 'vitest';
import { z } from 'zod';
import { evidenceFields } from '../../../checks/evidence-fields.ts';

const classes = (schema: z.ZodType) => Object.fromEntries(evidenceFields(schema).map((field) => [field.path, field.class]));

it('gives a field its own class, or that of what holds it', () => {
  const schema = z.strictObject({
    users: z.array(z.strictObject({ name: z.string().meta({ class: 'restricted' }), admin: z.boolean() })).meta({ class: 'internal' }),
    pair: z.tuple([z.number().meta({ class: 'public' }), z.string()]),
  });
  expect(classes(schema)).toEqual({ 'users[].name': 'restricted', 'users[].admin': 'internal', 'pair[0]': 'public', 'pair[1]': null });
});

it('takes the strictest class of the options of a union, in whatever order, and keeps a defect a defect', () => {
  const open = z.strictObject({ kind: z.literal('a'), is: z.number().meta({ class: 'public' }) });
  const closed = z.strictObject({ kind: z.literal('b'), is: z.string().meta({ class: 'restricted' }) });
  const none = z.strictObject({ kind: z.literal('c'), is: z.boolean() });
  for (const options of [
    [open, closed],
    [closed, open],
  ] as const) {
    expect(classes(z.union(options)).is).toBe('restricted');
  }
  expect(classes(z.union([closed, none])).is).toBeNull();
});

it('has nothing in a record less strict than the record, whose keys go with it', () => {
  const inner = z.strictObject({ size: z.number().meta({ class: 'public' }), owner: z.string().meta({ class: 'restricted' }) });
  expect(classes(z.record(z.string(), inner).meta({ class: 'confidential' }))).toEqual({
    '{}.size': 'confidential',
    '{}.owner': 'restricted',
  });
});
