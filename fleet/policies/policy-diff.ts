import type { PolicyChange } from '../../contracts/console/policies.ts';
import type { Policy } from '../../contracts/policy.ts';
import { canonicalJson } from '../documents/content-hash.ts';

/** Rule by rule and key by key; the order of rules and the revision mean nothing. */
export function diffPolicies(before: Policy, after: Policy): PolicyChange[] {
  const { rules: oldRules, revision: _, ...old } = before;
  const { rules: newRules, revision: __, ...young } = after;
  const ids = [...new Set([...oldRules, ...newRules].map(({ id }) => id))];
  return [
    ...diffKeys(null, old, young),
    ...ids.flatMap((id) => {
      const was = oldRules.find((rule) => rule.id === id);
      const is = newRules.find((rule) => rule.id === id);
      if (was && is) return diffKeys(id, was, is);
      return [{ rule: id, key: '', before: was ? canonicalJson(was) : null, after: is ? canonicalJson(is) : null }];
    }),
  ];
}

/** As people read it: one line a key. */
export function writeDiff(changes: readonly PolicyChange[]): string {
  return changes.map(writeChange).join('\n');
}

function writeChange({ rule, key, before, after }: PolicyChange): string {
  if (rule !== null && key === '') return before === null ? `+ rule ${rule} ${after}` : `- rule ${rule}`;
  const where = rule === null ? key : `rule ${rule}: ${key}`;
  if (before === null) return `+ ${where} = ${after}`;
  if (after === null) return `- ${where} (was ${before})`;
  return `~ ${where}: ${before} -> ${after}`;
}

function diffKeys(rule: string | null, before: object, after: object): PolicyChange[] {
  const [was, is] = [leavesOf(before, ''), leavesOf(after, '')];
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((key) => {
    const [old = null, young = null] = [was.get(key), is.get(key)];
    return old === young ? [] : [{ rule, key, before: old, after: young }];
  });
}

/** A list is one value: which of its items is which nobody can say. */
function leavesOf(value: unknown, at: string): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map([[at, canonicalJson(value)]]);
  const entries = Object.entries(value).filter(([, held]) => held !== undefined);
  if (entries.length === 0 && at !== '') return new Map([[at, '{}']]);
  return new Map(entries.flatMap(([key, held]) => [...leavesOf(held, at === '' ? key : `${at}.${key}`)]));
}
