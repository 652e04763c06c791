import type { Actor } from '../access/actor.ts';
import { may, reachOf } from '../access/decide.ts';
import type { Permission } from '../access/permission.ts';
import { demand } from '../access/refusal.ts';
import type { Tx } from '../db/tenancy.ts';
import { type DocumentInstance, readInstance } from '../documents/document-rows.ts';
import { FleetFault } from '../http/fault.ts';

/** Policies stand in no group and have no tags: who is restricted by tags on them reaches none. */
const plain = { groupPath: null, tags: {} };

export function demandPolicy(actor: Actor, permission: Permission): string {
  return demand(may(actor, permission, plain));
}

/** Whoever may not see every desk is told no number of all of them. */
export function seesEveryDesk(actor: Actor): boolean {
  return reachOf(actor, 'Devices.View').kind === 'everything' && actor.conditions.length === 0;
}

export async function theInstance(tx: Tx, id: string): Promise<DocumentInstance> {
  const instance = await readInstance(tx, id);
  if (!instance) throw new FleetFault('not-found', 'there is no such thing');
  return instance;
}

/** Whom a row names; the command line on the server is nobody's account. */
export function writerOf(actor: Actor): string | null {
  return actor.kind === 'account' ? actor.account : null;
}
