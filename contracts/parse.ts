import type { z } from 'zod';

/** One thing wrong with a document: where (keys and indexes from its root), and what. */
export interface Problem {
  path: readonly (string | number)[];
  message: string;
}

export type Parsed<T> = { ok: true; value: T } | { ok: false; problems: Problem[] };

/** Zod reports each issue once; more than this many help nobody. */
const MAX_PROBLEMS = 20;

/** Parses a stranger's value; an unknown key is a problem at its own path, so that an editor can point at it. */
export function parseUnknown<S extends z.ZodType>(schema: S, value: unknown): Parsed<z.output<S>> {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, problems: result.error.issues.flatMap((issue) => toProblems(issue, [])).slice(0, MAX_PROBLEMS) };
}

function toProblems(issue: z.core.$ZodIssue, base: readonly (string | number)[]): Problem[] {
  const path = [...base, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: `unknown key "${key}"` }));
  }
  return [{ path, message: issue.message }];
}
