import { z } from 'zod';

/** What closes the CCP on a desk. */
export const EnforcerName = z.enum(['browser-policy', 'egress', 'window']);
export type EnforcerName = z.infer<typeof EnforcerName>;

/**
 * What an enforcer found on reading back what it did. `written`: it stands, and nothing shows yet that it works.
 * `confirmed`: it stands and works. `conflict`: something else overrides it. `degraded`: it could not do all of it.
 */
export const EnforcerState = z.enum(['written', 'confirmed', 'conflict', 'degraded']);
export type EnforcerState = z.infer<typeof EnforcerState>;

export const EnforcerNoteCode = z.enum([
  /** Another file, key or profile allows what ours blocks. */
  'foreign-allowlist',
  /** Another file of later name replaces our list. */
  'later-file',
  /** A policy that wins over this computer's own, as one of a cloud or an MDM. */
  'foreign-policy',
  'unreadable',
  'write-failed',
  /** Somebody changed or removed what is ours; it was put back. */
  'changed-by-other',
  /** The browser reads its policies at its start only, and runs. */
  'needs-restart',
  /** The browser started too short a time ago to have surely read the change. */
  'settling',
  'tool-missing',
  /** An address that other sites share: it is not blocked. */
  'shared-address',
  /** No address is known of a host that should be blocked. */
  'no-address',
  'no-host',
  'no-users',
  'not-acknowledged',
  'unsupported',
]);
export type EnforcerNoteCode = z.infer<typeof EnforcerNoteCode>;

export const EnforcerNote = z.strictObject({ code: EnforcerNoteCode, detail: z.string().max(300) });
export type EnforcerNote = z.infer<typeof EnforcerNote>;

/** One thing that an enforcer holds shut: a browser, a protocol. */
export const EnforcerTarget = z.strictObject({
  target: z.string().max(60),
  state: EnforcerState,
  notes: z.array(EnforcerNote).max(20),
});
export type EnforcerTarget = z.infer<typeof EnforcerTarget>;

export const EnforcerStatus = z.strictObject({
  enforcer: EnforcerName,
  /** What was wanted of it. A draining gate is open. */
  wanted: z.enum(['open', 'closed']),
  /** The worst of its targets; `confirmed` where it has none. */
  state: EnforcerState,
  targets: z.array(EnforcerTarget).max(20),
});
export type EnforcerStatus = z.infer<typeof EnforcerStatus>;
