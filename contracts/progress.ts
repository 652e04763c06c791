import { z } from 'zod';
import { CheckId, Finding, RuleId } from './finding.ts';
import { Verdict } from './verdict.ts';

/** What a run tells while it goes on; `check --ndjson` prints one a line, ending with the verdict. */
export const Progress = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('started'),
    rules: z.array(z.strictObject({ rule: RuleId, check: CheckId })),
    /** Rules that run only in the user's session, and so not here. */
    notRun: z.array(RuleId),
  }),
  z.strictObject({
    kind: z.literal('endpoint'),
    /** `host:port/protocol`. */
    endpoint: z.string(),
    step: z.enum(['dns', 'proxy', 'tcp', 'tls', 'http', 'websocket', 'udp']),
    state: z.enum(['started', 'ok', 'failed']),
    /** For `failed` the code, for `ok` what was measured, in few words without a language. */
    detail: z.string().max(120),
  }),
  /** A rule's outcome; `round` counts from 0, later rounds are immediate re-probes of what was not good. */
  z.strictObject({ kind: z.literal('finding'), round: z.int().nonnegative(), finding: Finding }),
  z.strictObject({ kind: z.literal('verdict'), verdict: Verdict }),
]);
export type Progress = z.infer<typeof Progress>;
