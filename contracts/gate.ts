import { z } from 'zod';

// Every `…Ms` that names an instant is awake-monotonic time: it stands still while the computer sleeps, and starts anew at boot.

/** `draining`: still open, and closes when the call ends. */
export const GateState = z.enum(['open', 'draining', 'closed']);
export type GateState = z.infer<typeof GateState>;

/** `on-call` is any contact, of whatever channel. `idle` is proven; what is not proven is `unknown`. */
export const CallActivity = z.enum(['on-call', 'idle', 'unknown']);
export type CallActivity = z.infer<typeof CallActivity>;

export const ActivitySource = z.enum(['media-packets', 'microphone', 'tray-window', 'connect-api']);
export type ActivitySource = z.infer<typeof ActivitySource>;

/** What one reader last said. */
export const ActivitySignal = z
  .strictObject({
    source: ActivitySource,
    /** `session`: the user could have made it up. A reader that asks a server of the user's session is of that side too. */
    side: z.enum(['privileged', 'session']),
    says: CallActivity,
    observedAtMs: z.number(),
  })
  .refine((signal) => signal.source !== 'tray-window' || signal.side === 'session', {
    path: ['side'],
    message: 'the tray app runs in the user’s session',
  });
export type ActivitySignal = z.infer<typeof ActivitySignal>;

/** What the signals of all readers come to. */
export const ActivityJudgement = z.strictObject({
  activity: CallActivity,
  /** The privileged side vouches for it. */
  byPrivileged: z.boolean(),
  /** Who said so; of `unknown`, whose word is wanting. */
  sources: z.array(ActivitySource),
});
export type ActivityJudgement = z.infer<typeof ActivityJudgement>;

export const GateReason = z.enum([
  'clear',
  'caution',
  'blocked',
  /** A critical rule blocks: the one reason that may end a call. */
  'critical',
  /** Nothing is decided yet; what held before goes on. */
  'undetermined-grace',
  /** Nothing was decided for the whole grace; the policy's `whenUndetermined` holds. */
  'undetermined',
  /** Closed since `maxDrainMs` ran out, without proof that no contact was live. */
  'drain-expired',
  'released',
]);
export type GateReason = z.infer<typeof GateReason>;

export const NotActingReason = z.enum(['not-enrolled', 'unsigned-policy', 'observe']);
export type NotActingReason = z.infer<typeof NotActingReason>;

export const GateStatus = z.strictObject({
  /** What really holds: always `open` where the gate does not act. */
  state: GateState,
  /** What would hold if the gate acted; the same as `state` where it does. */
  wouldBe: GateState,
  /** Since when this pair of `state` and `wouldBe` holds. */
  sinceMs: z.number(),
  /** Why `wouldBe` is what it is. */
  reason: GateReason,
  /** When a drain ends at the latest; null when there is none, and while the privileged side sees a call. */
  drainEndsByMs: z.number().nullable(),
  acting: z.boolean(),
  notActingBecause: NotActingReason.nullable(),
});
export type GateStatus = z.infer<typeof GateStatus>;

/** What must survive a restart. */
export const GateMemory = z.strictObject({
  schema: z.literal(1),
  steppedAtMs: z.number(),
  state: GateState,
  wouldBe: GateState,
  sinceMs: z.number(),
  reason: GateReason,
  /** How much of the drain's budget is used up. Kept until the gate opens, so that nothing refills it. */
  spentMs: z.number().nonnegative(),
  /** Time from `steppedAtMs` on uses up the budget. */
  spending: z.boolean(),
  undeterminedSinceMs: z.number().nullable(),
  /** The daemon was away since `steppedAtMs`, and its loss may have opened the gate. */
  resumed: z.boolean(),
});
export type GateMemory = z.infer<typeof GateMemory>;
