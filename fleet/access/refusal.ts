import { FleetFault } from '../http/fault.ts';
import type { Actor } from './actor.ts';
import { type Decision, may } from './decide.ts';
import type { Permission } from './permission.ts';

/** Goes on where the decision allows; else the refusal that tells no more than the caller may know. Gives the rule that decided. */
export function demand(decision: Decision & { outside?: boolean }): string {
  const { rule } = decision;
  if (decision.allowed) return rule;
  if (!decision.seen) throw new FleetFault('not-found', 'there is no such thing', { rule });
  if (decision.explicit) throw new FleetFault('explicit-deny', 'a guardrail of the tenant denies this to everybody', { rule });
  if (decision.outside) throw new FleetFault('outside-scope', 'this would move it out of your reach', { rule });
  throw new FleetFault('forbidden', 'your security profiles do not allow this here', { rule });
}

/** Before it is known what the call is about, or for what belongs to the tenant as a whole. */
export function demandAtAll(actor: Actor, permission: Permission): string {
  const { allowed, explicit, rule } = may(actor, permission, null);
  if (allowed) return rule;
  if (explicit) throw new FleetFault('explicit-deny', 'a guardrail of the tenant denies this to everybody', { rule });
  throw new FleetFault('forbidden', `this needs the permission ${permission}`, { rule });
}
