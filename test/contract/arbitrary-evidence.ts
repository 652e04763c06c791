import fc from 'fast-check';
import type { z } from 'zod';

type Bag = Partial<Record<'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum', number>> & {
  format?: string;
  patterns?: ReadonlySet<RegExp>;
};

/** Long enough to meet texts that a check must cut, short enough for hundreds of runs. */
const LIST_MAX = 6;

/** Values that fit a schema, for the kinds that evidence uses; a new kind is an error here, not a gap. */
export function arbitraryOf(schema: z.core.$ZodType): fc.Arbitrary<unknown> {
  const { def, bag } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      return objectOf(def.shape);
    case 'array':
      return fc.array(arbitraryOf(def.element), listBounds(bag as Bag));
    case 'tuple':
      return fc.tuple(...def.items.map(arbitraryOf));
    case 'record':
      return fc.dictionary(arbitraryOf(def.keyType) as fc.Arbitrary<string>, arbitraryOf(def.valueType), {
        maxKeys: LIST_MAX,
        noNullPrototype: true,
      });
    case 'union':
      return fc.oneof(...def.options.map(arbitraryOf));
    case 'nullable':
      return fc.option(arbitraryOf(def.innerType), { nil: null });
    case 'optional':
    case 'default':
    case 'prefault':
      return fc.option(arbitraryOf(def.innerType), { nil: undefined });
    case 'readonly':
      return arbitraryOf(def.innerType);
    case 'enum':
      return fc.constantFrom(...Object.values(def.entries));
    case 'literal':
      return fc.constantFrom(...def.values);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'unknown':
    case 'any':
      return fc.jsonValue();
    case 'number':
      return fitting(schema, numberOf(bag as Bag));
    case 'string':
      return fitting(schema, stringOf(bag as Bag));
    default:
      throw new Error(`no arbitrary for a zod ${def.type}: add it to arbitrary-evidence.ts`);
  }
}

function objectOf(shape: Readonly<Record<string, z.core.$ZodType>>): fc.Arbitrary<unknown> {
  const model = Object.fromEntries(Object.entries(shape).map(([key, inner]) => [key, arbitraryOf(inner)]));
  return fc
    .record(model, { noNullPrototype: true })
    .map((value) => Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)));
}

function listBounds({ minimum = 0, maximum = Number.POSITIVE_INFINITY }: Bag) {
  return { minLength: minimum, maxLength: Math.max(minimum, Math.min(maximum, LIST_MAX)) };
}

function numberOf(bag: Bag): fc.Arbitrary<number> {
  const min = bag.minimum ?? bag.exclusiveMinimum;
  const max = bag.maximum ?? bag.exclusiveMaximum;
  if (/int/.test(bag.format ?? '')) return fc.integer(given({ min: whole(min), max: whole(max) }));
  const anything = fc.double(given({ min, max, noNaN: true, noDefaultInfinity: true }));
  // Plain numbers too: doubles alone are nearly always huge or tiny.
  const plain = fc.integer(given({ min: whole(Math.ceil(min ?? -10)), max: whole(Math.floor(max ?? 100_000)) }));
  return fc.oneof(anything, plain);
}

function whole(bound: number | undefined): number | undefined {
  return bound === undefined ? undefined : Math.max(-0x7fffffff, Math.min(0x7fffffff, bound));
}

/** Drops what is undefined, which exact optional properties do not take. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function stringOf({ minimum = 0, maximum, format, patterns }: Bag): fc.Arbitrary<string> {
  switch (format) {
    case 'datetime':
      return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((date) => date.toISOString());
    case 'uuid':
      return fc.uuid();
    case 'url':
      return fc.webUrl();
    case 'ipv4':
      return fc.ipV4();
    case 'ipv6':
      return fc.ipV6();
    default: {
      const [pattern] = patterns ?? [];
      if (pattern) return fc.stringMatching(pattern);
      const free = fc.string({ minLength: minimum, maxLength: Math.min(maximum ?? 40, 40) });
      // Unbounded text comes long now and then, since outcomes have a limit of their own; of one letter, to shrink quickly.
      const long = fc.integer({ min: minimum, max: maximum ?? 2_000 }).map((length) => 'x'.repeat(length));
      return fc.oneof({ weight: 4, arbitrary: free }, { weight: 1, arbitrary: long });
    }
  }
}

function fitting<T>(schema: z.core.$ZodType, values: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return values.filter((value) => (schema as z.ZodType).safeParse(value).success);
}
