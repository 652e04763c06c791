import type { CheckId } from '../contracts/finding.ts';
import type { Problem } from '../contracts/parse.ts';
import type { Policy } from '../contracts/policy.ts';
import type { AnyCheck } from './check.ts';
import { type EvidenceField, evidenceFields } from './evidence-fields.ts';
import { nearest } from './nearest.ts';

/** `sealed`: to the tenant's key only. */
export type Leaves = 'plain' | 'sealed' | 'no';

/** Classes that an entry may name as a whole, and that an empty list stands for. */
const openClasses = ['public', 'internal'];

/**
 * How a field leaves the desk. An entry of the policy's list is `<check id>/<field>`, the field as docs/checks.md names it
 * (`network.dns/names[].addresses[]`), or `public` or `internal` for every field of that class. An empty list is
 * `[public, internal]`; any other list lets out what it names and nothing else. `confidential` and `restricted` fields are
 * named one by one, and `restricted` ones leave sealed.
 */
export function howLeaves(check: CheckId, field: EvidenceField, allowed: readonly string[]): Leaves {
  if (field.class === null) return 'no';
  const isNamed = allowed.includes(entryOf(check, field));
  if (field.class === 'restricted') return isNamed ? 'sealed' : 'no';
  const classes = allowed.length === 0 ? openClasses : allowed.filter((entry) => openClasses.includes(entry));
  return isNamed || classes.includes(field.class) ? 'plain' : 'no';
}

/** Entries that name nothing of these checks: a slip of the pen would send less, and nobody would hear of it. */
export function reportingProblems({ reporting }: Pick<Policy, 'reporting'>, checks: readonly AnyCheck[]): Problem[] {
  const known = [...openClasses, ...checks.flatMap((check) => evidenceFields(check.evidence).map((field) => entryOf(check.id, field)))];
  return reporting.fields.flatMap((entry, index) => {
    if (known.includes(entry)) return [];
    const meant = nearest(entry, known);
    const hint = meant === null ? 'write <check id>/<field>, public or internal' : `did you mean "${meant}"?`;
    return [{ path: ['reporting', 'fields', index], message: `there is no evidence field "${entry}"; ${hint}` }];
  });
}

function entryOf(check: CheckId, { path }: EvidenceField): string {
  return `${check}/${path}`;
}
