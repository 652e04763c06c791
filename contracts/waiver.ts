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
