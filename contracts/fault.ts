import { z } from 'zod';

/**
 * Every error that can cross a boundary, as a code: nobody matches on words. `detail` is for people and logs.
 * A boundary's own calls name which of these they give.
 */
export const FaultCode = z.enum([
  'bad-request',
  'internal',
  'unknown-check',
  'too-soon',
  'not-allowed',
  'not-enrolled',
  'unsupported-schema',
  'bad-signature',
  'wrong-instance',
  'older-revision',
  'busy',
  'wrong-code',
  /** The tray app cannot reach the daemon. */
  'no-daemon',
]);
export type FaultCode = z.infer<typeof FaultCode>;

export const Fault = z.strictObject({
  code: FaultCode,
  detail: z.string().max(500),
  /** Of `too-soon`, where it is known: how long until it is not. */
  retryInMs: z.int().positive().optional(),
});
export type Fault = z.infer<typeof Fault>;
