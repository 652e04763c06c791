import type { z } from 'zod';

/** From what anybody may see to what the tenant alone may. */
export const fieldClasses = ['public', 'internal', 'confidential', 'restricted'] as const;
export type FieldClass = (typeof fieldClasses)[number];

/** One leaf of an evidence schema. */
export interface EvidenceField {
  /** `names[].addresses[]`; `{}` stands for the keys of a record. */
  path: string;
  type: string;
  /** Of the field or the nearest object or array around it; null is a defect. */
  class: FieldClass | null;
  description: string;
}

interface Around {
  path: string;
  class: FieldClass | null;
  description: string;
}

/** Every leaf of a schema with its class: its own `.meta({ class })`, or that of the nearest schema around it. */
export function evidenceFields(schema: z.ZodType): EvidenceField[] {
  return walk(schema as z.core.$ZodType, { path: '', class: null, description: '' });
}

function walk(schema: z.core.$ZodType, around: Around): EvidenceField[] {
  const meta = (schema as z.ZodType).meta() ?? {};
  const here: Around = { ...around, class: classOf(meta) ?? around.class, description: meta.description ?? around.description };
  const below = (inner: z.core.$ZodType, path: string) => walk(inner, { path: here.path + path, class: here.class, description: '' });
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      return Object.entries(def.shape).flatMap(([key, inner]) => below(inner, here.path === '' ? key : `.${key}`));
    case 'array':
      return repeated(below(def.element, '[]'), here.description);
    case 'record':
      // The keys say something too: nothing below is less strict than the record itself.
      return repeated(below(def.valueType, '{}'), here.description).map((field) => ({
        ...field,
        class: stricter(field.class, here.class),
      }));
    case 'tuple':
      return def.items.flatMap((item, index) => below(item, `[${index}]`));
    case 'union':
      return unite(def.options.map((option) => walk(option, here)));
    case 'nullable':
      return walk(def.innerType, here).map((field) => (field.path === here.path ? { ...field, type: `${field.type} or null` } : field));
    case 'optional':
    case 'default':
    case 'prefault':
    case 'readonly':
    case 'nonoptional':
    case 'catch':
      return walk(def.innerType, here);
    case 'pipe':
      return walk(def.out, here);
    default:
      return [{ path: here.path || '(all)', type: typeName(schema), class: here.class, description: here.description }];
  }
}

/** A list's own description goes to its only leaf, or else to the first of them. */
function repeated(fields: EvidenceField[], description: string): EvidenceField[] {
  return fields.map((field, index) => (index === 0 && description !== '' && field.description === '' ? { ...field, description } : field));
}

function unite(options: EvidenceField[][]): EvidenceField[] {
  const byPath = new Map<string, EvidenceField>();
  for (const field of options.flat()) {
    const known = byPath.get(field.path) ?? field;
    const type = known.type === field.type ? known.type : `${known.type} or ${field.type}`;
    // A defect stays one.
    const strictest = known.class && field.class && stricter(known.class, field.class);
    byPath.set(field.path, { ...known, type, class: strictest });
  }
  return [...byPath.values()];
}

function stricter(a: FieldClass | null, b: FieldClass | null): FieldClass | null {
  if (a === null || b === null) return a ?? b;
  return fieldClasses.indexOf(a) >= fieldClasses.indexOf(b) ? a : b;
}

function classOf(meta: Record<string, unknown>): FieldClass | null {
  return fieldClasses.find((known) => known === meta.class) ?? null;
}

function typeName(schema: z.core.$ZodType): string {
  const { def, bag } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === 'enum') return Object.values(def.entries).map(quoted).join(' or ');
  if (def.type === 'literal') return def.values.map(quoted).join(' or ');
  if (def.type === 'number') return /int/.test(String((bag as Record<string, unknown>).format ?? '')) ? 'integer' : 'number';
  return def.type;
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? `\`${value}\`` : String(value);
}
