import { z } from 'zod';
import { RuleId } from './finding.ts';

/** Turns `block` into `warn` for one rule and a time; signed by the fleet, shown to the agent, audited. */
export const Waiver = z.strictObject({
  schema: z.literal(1),
  id: z.uuid(),
  rule: RuleId,
  reason: z.string().min(1).max(500),
  grantedBy: z.string().min(1).max(200),
  until: z.iso.datetime(),
});
export type Waiver = z.infer<typeof Waiver>;

/** Body of a `waivers` document: all that hold for this desk. */
export const WaiverSet = z.strictObject({ schema: z.literal(1), revision: z.int().positive(), waivers: z.array(Waiver).max(200) });
export type WaiverSet = z.infer<typeof WaiverSet>;
