import type { AnyCheck } from '../../../checks/check.ts';
import { type EvidenceField, evidenceFields, type FieldClass, fieldClasses } from '../../../checks/evidence-fields.ts';
import { howLeaves, type Leaves } from '../../../checks/reporting-fields.ts';

/** What leaves beside evidence, and the keys of which message it stands for. */
export const leavingGroups = ['standing', 'gate', 'releases', 'version', 'health', 'envelope', 'sealed', 'enrolment'] as const;
export type LeavingGroup = (typeof leavingGroups)[number];

interface Covered {
  report: readonly string[];
  heartbeat: readonly string[];
  enrolment: readonly string[];
}

/** Every key of the three messages is in one group: a new one must be told of before it may leave. */
export const coveredBy: Readonly<Record<LeavingGroup, Partial<Covered>>> = {
  standing: { report: ['verdict', 'findings'], heartbeat: ['standing'] },
  gate: { report: ['gate'], heartbeat: ['gate'] },
  releases: { report: ['releases'] },
  version: { report: ['agent', 'instance', 'allowlist'], heartbeat: ['agent', 'held'], enrolment: ['agent'] },
  health: { heartbeat: ['health', 'refused'] },
  envelope: {
    report: ['schema', 'id', 'device', 'epoch', 'seq', 'scope', 'madeAt'],
    heartbeat: ['schema', 'sentAt'],
    enrolment: ['schema'],
  },
  sealed: { report: ['sealed'] },
  enrolment: { enrolment: ['hostName', 'csr', 'secret'] },
};

export interface ClassOfFields {
  class: FieldClass;
  checks: { check: AnyCheck['id']; fields: (EvidenceField & { leaves: Leaves })[] }[];
}

/**
 * Fields of the checks' evidence by class, each check under every class that it has a field of. `allowed` is the policy's list of
 * fields, by which the daemon too decides what leaves.
 */
export function fieldsByClass(checks: readonly Pick<AnyCheck, 'id' | 'evidence'>[], allowed: readonly string[]): ClassOfFields[] {
  const all = checks.map(({ id, evidence }) => ({
    check: id,
    fields: evidenceFields(evidence).map((field) => ({ ...field, leaves: howLeaves(id, field, allowed) })),
  }));
  return fieldClasses.map((name) => ({
    class: name,
    checks: all
      .map(({ check, fields }) => ({ check, fields: fields.filter((field) => field.class === name) }))
      .filter(({ fields }) => fields.length > 0),
  }));
}
