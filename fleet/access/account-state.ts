import { z } from 'zod';
import type { AccountAnswer } from '../../contracts/console/access-calls.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import type { Actor, Group } from './actor.ts';
import type { Resource } from './decide.ts';
import { userFilter } from './filter.ts';
import { pathOfGroup } from './hierarchy.ts';

const StoredTags = z.record(z.string(), z.string());

export interface AccountState {
  id: string;
  kind: AccountAnswer['kind'];
  group: string | null;
  tags: Record<string, string>;
  disabled: boolean;
}

export async function seenAccount(tx: Tx, actor: Actor, id: string): Promise<AccountState> {
  const row = await tx
    .selectFrom('account')
    .select(['kind', 'group_id', 'tags', 'disabled_at'])
    .where('id', '=', id)
    .where(userFilter(actor, 'Users.View'))
    .executeTakeFirst();
  if (!row) throw new FleetFault('not-found', 'there is no such thing', { rule: 'acl.rule8' });
  return { id, kind: row.kind, group: row.group_id, tags: StoredTags.parse(row.tags), disabled: row.disabled_at !== null };
}

export async function resourceOfAccount(tx: Tx, { group, tags }: Pick<AccountState, 'group' | 'tags'>): Promise<Resource> {
  return { groupPath: await pathOfGroup(tx, group), tags };
}

export async function groupOf(tx: Tx, id: string | null): Promise<Group | null> {
  const path = await pathOfGroup(tx, id);
  return id !== null && path !== null ? { id, path } : null;
}
