import { FleetFault } from '../http/fault.ts';
import type { Actor } from './actor.ts';

/** Requirements 6.2: publishing, keys, guardrails and approvals want a second factor that was shown this recently. */
const FRESH_MFA_MS = 5 * 60_000;

export function demandFreshMfa(actor: Actor, now: Date): void {
  if (actor.kind === 'operator' || !actor.mfaRequired) return;
  if (actor.mfaAt !== null && now.getTime() - actor.mfaAt.getTime() <= FRESH_MFA_MS) return;
  throw new FleetFault('step-up-required', 'show your second factor again: it must be less than 5 minutes old');
}
