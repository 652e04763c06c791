import { z } from 'zod';
import { Finding } from './finding.ts';
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

/** What an enforcer found on reading back what it wrote; `conflict`: something else overrides it. */
export const EnforcerState = z.enum(['written', 'confirmed', 'conflict', 'degraded']);
export type EnforcerState = z.infer<typeof EnforcerState>;

/** What a desk sends to the fleet server. */
export const Report = z.strictObject({
  schema: z.literal(1),
  /** The same report sent twice has the same id, and counts once. */
  id: z.uuid(),
  /** Issued by the fleet server, never a hardware id. */
  device: z.uuid(),
  /** A new one for each state directory: a VDI snapshot that is rolled back counts from the same numbers again. */
  epoch: z.uuid(),
  /** Counts up within an epoch. */
  seq: z.int().nonnegative(),
  sentAt: z.iso.datetime(),
  agent: z.strictObject({ version: z.string().max(50), platform: z.enum(['win32', 'darwin', 'linux']) }),
  instance: z.strictObject({ alias: z.string(), region: z.string() }),
  allowlist: AllowlistVersion,
  gate: z.strictObject({
    mode: z.enum(['observe', 'enforce']),
    state: z.enum(['open', 'draining', 'closed']),
    enforcers: z.record(z.string(), EnforcerState),
  }),
  verdict: Verdict,
  findings: z.array(Finding).max(200),
});
export type Report = z.infer<typeof Report>;
