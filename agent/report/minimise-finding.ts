import type { AnyCheck } from '../../checks/check.ts';
import { type EvidenceField, evidenceFields } from '../../checks/evidence-fields.ts';
import { howLeaves, type Leaves } from '../../checks/reporting-fields.ts';
import type { Finding } from '../../contracts/finding.ts';
import type { Outcome } from '../../contracts/outcome.ts';

export interface MinimisedFinding {
  finding: Finding;
  /** What may leave sealed, by the path of each value with dots: `users.0.name`. */
  restricted: Record<string, unknown>;
}

/** As the contract allows; a deeper value is dropped. */
const MAX_SEALED_PATH = 200;

/** Shorter texts stand in any sentence. */
const SHORTEST_TELLTALE = 3;
const MASK = '…';

/**
 * Leaves of the evidence what the policy lets leave the desk, see `howLeaves`. Evidence of an unknown check, or that its
 * schema refuses, has no classes: all of it stays. The outcome is words for people, and may repeat the evidence: a word
 * that holds the text of a removed field is masked. False positive: a removed text that a word holds by chance.
 */
export function minimiseFinding(
  check: Pick<AnyCheck, 'id' | 'evidence'> | undefined,
  finding: Finding,
  allowed: readonly string[],
): MinimisedFinding {
  const { evidence, outcome } = finding;
  if (evidence === null || evidence === undefined) return { finding: { ...finding, evidence: null }, restricted: {} };
  const parsed = check?.id === finding.check ? check.evidence.safeParse(evidence) : null;
  const pruned = check && parsed?.success ? prune(check, parsed.data, allowed) : { kept: null, removed: [evidence], restricted: {} };
  const { kept, removed, restricted } = pruned;
  if (removed.length === 0) return { finding: { ...finding, evidence: kept }, restricted };
  return { finding: { ...finding, evidence: kept, partial: true, outcome: withoutWords(outcome, textsOf(removed)) }, restricted };
}

interface Pruned {
  kept: unknown;
  removed: unknown[];
  restricted: Record<string, unknown>;
}

const GONE = Symbol('gone');

function prune(check: Pick<AnyCheck, 'id' | 'evidence'>, evidence: unknown, allowed: readonly string[]): Pruned {
  const fields = evidenceFields(check.evidence).map((field) => ({ path: field.path, leaves: howLeaves(check.id, field, allowed) }));
  const removed: unknown[] = [];
  const restricted: Record<string, unknown> = {};

  function remove(value: unknown): typeof GONE {
    removed.push(value);
    return GONE;
  }

  function keepLeaf(value: unknown, leaves: Leaves, at: readonly (string | number)[]): unknown {
    if (leaves === 'plain') return value;
    const dotted = at.join('.');
    if (leaves === 'sealed' && dotted.length <= MAX_SEALED_PATH) restricted[dotted] = value;
    return remove(value);
  }

  /** `path` is the field's, `at` that of this very value. */
  function keep(value: unknown, path: string, at: readonly (string | number)[]): unknown {
    const own = fields.find((field) => field.path === (path || '(all)'));
    const below = fields.filter((field) => isBelow(field, path));
    const isHolder = typeof value === 'object' && value !== null;
    if (own && (!isHolder || below.length === 0)) return keepLeaf(value, own.leaves, at);
    const children = isHolder ? Object.entries(value).filter(([, child]) => child !== undefined) : [];
    // An empty list, or none, is known only to whom the field is told.
    if (children.length === 0) return below.some(({ leaves }) => leaves === 'plain') ? value : remove(value);
    const kept = children.flatMap(([key, child]): [string, unknown][] => {
      const names = Array.isArray(value) ? [`${path}[]`, `${path}[${key}]`] : [path === '' ? key : `${path}.${key}`, `${path}{}`];
      const known = names.filter((name) => fields.some((field) => field.path === name || isBelow(field, name)));
      const [name] = known;
      // A name that could be two fields is of no class.
      const left = name !== undefined && known.length === 1 ? keep(child, name, [...at, key]) : remove(child);
      // A key that the schema does not write itself is a value, too.
      if (left === GONE && (known.length !== 1 || name !== names[0])) removed.push(key);
      return left === GONE ? [] : [[key, left]];
    });
    if (kept.length === 0) return GONE;
    return Array.isArray(value) ? kept.map(([, child]) => child) : Object.fromEntries(kept);
  }

  const kept = keep(evidence, '', []);
  return { kept: kept === GONE ? null : kept, removed, restricted };
}

function isBelow({ path }: Pick<EvidenceField, 'path'>, above: string): boolean {
  if (above === '') return path !== '(all)';
  return path.length > above.length && path.startsWith(above) && '.[{'.includes(path.charAt(above.length));
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return value.length >= SHORTEST_TELLTALE ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  const keys = Array.isArray(value) ? [] : Object.keys(value).filter((key) => key.length >= SHORTEST_TELLTALE);
  return [...keys, ...Object.values(value).flatMap(textsOf)];
}

function withoutWords(outcome: Outcome, texts: readonly string[]): Outcome {
  const isTelltale = (word: string) => texts.some((text) => word.includes(text));
  if (outcome.kind === 'unknown') return isTelltale(outcome.detail) ? { ...outcome, detail: MASK } : outcome;
  if (outcome.kind !== 'fail' && outcome.kind !== 'degraded') return outcome;
  const args = Object.entries(outcome.args).map(([name, value]) => [name, typeof value === 'string' && isTelltale(value) ? MASK : value]);
  return { ...outcome, args: Object.fromEntries(args) };
}
