import { z } from 'zod';
import { Finding } from './finding.ts';
import { Verdict } from './verdict.ts';

/** What `deskwarden check --json` prints: one run, judged. */
export const CheckDocument = z.strictObject({
  schema: z.literal(1),
  verdict: Verdict,
  findings: z.array(Finding),
  policy: z.strictObject({ id: z.string(), revision: z.int().positive() }),
  allowlist: z.strictObject({ revision: z.int().positive(), createdAt: z.iso.datetime() }),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
});
export type CheckDocument = z.infer<typeof CheckDocument>;
