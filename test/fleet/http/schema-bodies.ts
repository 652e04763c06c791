import fc from 'fast-check';
import { z } from 'zod';

type JsonSchema = Record<string, unknown>;

const nasty = fc.constantFrom<unknown>(null, '', -1, 1e308, '\u0000', '\ud800', [], {}, '__proto__', 'a'.repeat(3_000), true);

/** Values that fit a zod schema, and now and then one that does not: from its JSON Schema, whose patterns are left out. */
export function bodiesOf(shape: z.ZodType): fc.Arbitrary<unknown> {
  const schema = z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any', target: 'draft-2020-12' }) as JsonSchema;
  return valuesOf(schema, (schema.$defs ?? {}) as Record<string, JsonSchema>, 0);
}

function valuesOf(schema: JsonSchema, defs: Record<string, JsonSchema>, depth: number): fc.Arbitrary<unknown> {
  const fitting = fits(schema, defs, depth);
  return fc.oneof({ weight: 12, arbitrary: fitting }, { weight: 1, arbitrary: nasty });
}

function fits(schema: JsonSchema, defs: Record<string, JsonSchema>, depth: number): fc.Arbitrary<unknown> {
  const inner = (one: unknown) => valuesOf(one as JsonSchema, defs, depth + 1);
  if (depth > 8) return nasty;
  if (typeof schema.$ref === 'string') return inner(defs[schema.$ref.split('/').at(-1) ?? ''] ?? {});
  if ('const' in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  for (const key of ['anyOf', 'oneOf', 'allOf'] as const) {
    const some = schema[key];
    if (Array.isArray(some)) return fc.oneof(...some.map(inner));
  }
  switch (schema.type) {
    case 'object':
      return objects(schema, inner);
    case 'array':
      return fc.array(inner(schema.items ?? {}), {
        minLength: Number(schema.minItems ?? 0),
        maxLength: Math.min(Number(schema.maxItems ?? 4), 4),
      });
    case 'integer':
      return fc.integer({
        min: bound(schema.minimum, -1_000),
        max: Math.max(bound(schema.minimum, -1_000), bound(schema.maximum, 100_000)),
      });
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'string':
      return strings(schema);
    default:
      return fc.jsonValue({ maxDepth: 3 });
  }
}

function objects(schema: JsonSchema, inner: (one: unknown) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const properties = (schema.properties ?? {}) as Record<string, unknown>;
  const required = Array.isArray(schema.required) ? (schema.required as string[]) : [];
  const known = fc.record(Object.fromEntries(Object.entries(properties).map(([key, one]) => [key, inner(one)])), {
    requiredKeys: required,
  });
  if (typeof schema.additionalProperties !== 'object') return known;
  const further = fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), inner(schema.additionalProperties), { maxKeys: 3 });
  return fc.tuple(known, further).map(([one, other]) => ({ ...other, ...(one as object) }));
}

function strings(schema: JsonSchema): fc.Arbitrary<string> {
  if (schema.format === 'uuid') return fc.uuid();
  if (schema.format === 'date-time')
    return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((date) => date.toISOString());
  const minLength = Number(schema.minLength ?? 0);
  return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(Number(schema.maxLength ?? 30), 60)), unit: 'binary' });
}

function bound(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Math.abs(value) < 2 ** 31 ? value : otherwise;
}
