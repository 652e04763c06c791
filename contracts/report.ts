import { z } from 'zod';
import { EnforcerStatus } from './enforcer.ts';
import { Finding, RuleId } from './finding.ts';
import { CallActivity, GateReason, GateState } from './gate.ts';
import { Verdict } from './verdict.ts';

const AllowlistVersion = z.strictObject({ revision: z.int().positive(), createdAt: z.iso.datetime() });

/** What `deskwarden check --json` prints: one run, judged. */
export const CheckDocument = z.strictObject({
  schema: z.literal(1),
  verdict: Verdict,
  findings: z.array(Finding),
  policy: z.strictObject({ id: z.string(), revision: z.int().positive() }),
  allowlist: AllowlistVersion,
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
});
export type CheckDocument = z.infer<typeof CheckDocument>;

export const Platform = z.enum(['win32', 'darwin', 'linux']);
export type Platform = z.infer<typeof Platform>;

/** The gate was opened although a verdict blocked: by a code that IT read out, or by root on this computer. */
export const ReleaseRecord = z.strictObject({
  id: z.uuid(),
  by: z.enum(['code', 'root']),
  /** Who asked for it on this computer. */
  uid: z.int().nonnegative(),
  from: z.iso.datetime(),
  until: z.iso.datetime(),
});
export type ReleaseRecord = z.infer<typeof ReleaseRecord>;

/** What a desk sends to the fleet server. */
export const Report = z.strictObject({
  schema: z.literal(1),
  /** The same report sent twice has the same id, and counts once. */
  id: z.uuid(),
  /** Issued by the fleet server, never a hardware id. */
  device: z.uuid(),
  /** A new one for each state directory and boot: a VDI snapshot that is rolled back counts from the same numbers again. */
  epoch: z.uuid(),
  /** Counts up within an epoch, by one. */
  seq: z.int().nonnegative(),
  /** `changes`: findings that are as last reported are left out. */
  scope: z.enum(['full', 'changes']),
  /** When it was made; it may be sent days later. */
  madeAt: z.iso.datetime(),
  agent: z.strictObject({ version: z.string().max(50), platform: Platform }),
  instance: z.strictObject({ alias: z.string(), region: z.string() }),
  allowlist: AllowlistVersion,
  gate: z.strictObject({
    mode: z.enum(['observe', 'enforce']),
    state: GateState,
    wouldBe: GateState,
    reason: GateReason,
    activity: CallActivity,
    enforcers: z.array(EnforcerStatus).max(5),
  }),
  /** Since the last report. */
  releases: z.array(ReleaseRecord).max(50),
  verdict: Verdict,
  /** Their evidence holds only the fields that the policy lets leave the desk. */
  findings: z.array(Finding).max(200),
  /** Fields classed `restricted`, as a JWE (RFC 7516, ECDH-ES and A256GCM) to the tenant's key; its plaintext is `SealedFields`. */
  sealed: z.string().max(100_000).nullable(),
});
export type Report = z.infer<typeof Report>;

/** By rule, then by the field's path with dots. */
export const SealedFields = z.record(RuleId, z.record(z.string().max(200), z.unknown()));
export type SealedFields = z.infer<typeof SealedFields>;
