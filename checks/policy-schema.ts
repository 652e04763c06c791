import { z } from 'zod';
import { PolicyFile } from '../contracts/policy.ts';

type JsonSchema = z.core.JSONSchema._JSONSchema;

/**
 * The JSON Schema of a policy file as people write it: keys with a default may be left out. Draft 7, which every YAML
 * language server reads.
 */
export function policySchema() {
  return { ...z.toJSONSchema(PolicyFile, { io: 'input', target: 'draft-7' }), title: 'Deskwarden policy' };
}

/** Keys that the schema knows at this path. */
export function knownKeys(schema: JsonSchema, path: readonly (string | number)[]): string[] {
  const [key, ...rest] = path;
  return alternatives(schema).flatMap((option) => {
    if (key === undefined) return Object.keys(option.properties ?? {});
    const next = typeof key === 'number' ? option.items : (option.properties?.[key] ?? option.additionalProperties);
    return next === undefined || Array.isArray(next) ? [] : knownKeys(next, rest);
  });
}

function alternatives(schema: JsonSchema): z.core.JSONSchema.JSONSchema[] {
  if (typeof schema === 'boolean') return [];
  return [schema, ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])].flatMap(alternatives)];
}
