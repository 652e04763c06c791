import { z } from 'zod';
import { Finding, RuleId } from './finding.ts';
import { GateMemory } from './gate.ts';
import { RuleHistory } from './history.ts';
import { Verdict } from './verdict.ts';

/** Where the awake clock stood when it was last saved, and in which boot. */
export const AwakeBase = z.strictObject({
  bootId: z.string().regex(/^[0-9a-f-]{36}$/),
  /** The boot's own monotonic clock at that moment. */
  monotonicMs: z.number().nonnegative(),
  awakeMs: z.number().nonnegative(),
});
export type AwakeBase = z.infer<typeof AwakeBase>;

/** What the daemon must not forget: with it, a restart changes no verdict. */
export const VerdictState = z.strictObject({
  schema: z.literal(1),
  /** In which this state's reports are counted. */
  epoch: z.uuid(),
  /** The histories' `…Ms` are times of this clock. */
  awake: AwakeBase,
  histories: z.record(RuleId, RuleHistory),
  /** The last finding of each rule. */
  findings: z.array(Finding).max(200),
  verdict: Verdict.nullable(),
  gate: GateMemory.nullable(),
  /** TURN hosts that have answered this desk without credentials. */
  turnAnswered: z.array(z.string().max(253)).max(500),
});
export type VerdictState = z.infer<typeof VerdictState>;
