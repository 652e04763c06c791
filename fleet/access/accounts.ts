import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { AccountAnswer, AccountsQuery, AddAccountRequest, ChangeAccountRequest } from '../../contracts/console/access-calls.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { NIL_ID, type Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { indexOfAccountName, openAccountName, sealAccountName } from './account-name.ts';
import { type AccountState, groupOf, resourceOfAccount, seenAccount } from './account-state.ts';
import type { Actor, Group } from './actor.ts';
import { assign, demandAssignable, profilesOf } from './assignment.ts';
import { demandWithinOwnRights } from './boundary.ts';
import { asConflict } from './constraint.ts';
import { may, mayChange, reachOf } from './decide.ts';
import { deviceFilter, userFilter } from './filter.ts';
import { pathsOf } from './hierarchy.ts';
import { demandOtherAdmin } from './last-admin.ts';
import { namedGroups } from './profiles.ts';
import { demand, demandAtAll } from './refusal.ts';
import { lockAccess } from './settings.ts';

const columns = ['id', 'kind', 'name_sealed', 'group_id', 'tags', 'created_at', 'disabled_at'] as const;
const StoredTags = z.record(z.string(), z.string());

export async function listAccounts(tx: Tx, actor: Actor, keyring: Keyring, { limit, after, name }: AccountsQuery) {
  const rule = demandAtAll(actor, 'Users.View');
  const index = name === undefined ? null : await indexOfAccountName(keyring, tx, actor.tenant, name);
  const rows = await tx
    .selectFrom('account')
    .select(columns)
    .where(userFilter(actor, 'Users.View'))
    .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
    .$if(index !== null, (query) => query.where('name_index', '=', index ?? Buffer.alloc(0)))
    .orderBy('id')
    .limit(limit + 1)
    .execute();
  const items = await answersOf(tx, keyring, actor.tenant, rows.slice(0, limit));
  return { rule, page: { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null } };
}

export async function readAccount(tx: Tx, actor: Actor, keyring: Keyring, id: string): Promise<{ rule: string; answer: AccountAnswer }> {
  const account = await seenAccount(tx, actor, id);
  const rule = demand(may(actor, 'Users.View', await resourceOfAccount(tx, account)));
  return { rule, answer: await answerOf(tx, keyring, actor.tenant, id) };
}

export async function addAccount(tx: Tx, actor: Actor, keyring: Keyring, request: AddAccountRequest, now: Date) {
  demandAtAll(actor, 'Users.Create');
  const { maxGranularProfiles } = await lockAccess(tx);
  const group = await groupOf(tx, request.group);
  const rule = demand(mayChange(actor, 'Users.Create', null, { groupPath: group?.path ?? null, tags: request.tags }));
  if (request.group !== null && group === null) throw new FleetFault('bad-request', 'there is no such group', { path: 'group' });
  const id = randomUUID();
  const row = {
    tenant_id: actor.tenant,
    instance_id: NIL_ID,
    id,
    kind: request.kind,
    name_sealed: await sealAccountName(keyring, tx, actor.tenant, id, request.name),
    name_index: await indexOfAccountName(keyring, tx, actor.tenant, request.name),
    group_id: request.group,
    tags: JSON.stringify(request.tags),
    conditions: JSON.stringify(request.conditions ?? {}),
    created_at: now,
  };
  await asConflict(tx.insertInto('account').values(row).execute(), 'there is an account of this name already');
  if (request.profiles.length > 0) {
    demand(mayChange(actor, 'Users.EditPermission', null, { groupPath: group?.path ?? null, tags: request.tags }));
    await demandAssignable(tx, actor, { holder: group, held: [], wanted: request.profiles, limit: maxGranularProfiles });
    await assign(tx, actor.tenant, id, request.profiles);
  }
  const after: AccountState = { id, kind: request.kind, group: request.group, tags: request.tags, disabled: false };
  return { rule, after, answer: await answerOf(tx, keyring, actor.tenant, id) };
}

/** Group, tags, and whether the account may be used. */
export async function changeAccount(tx: Tx, actor: Actor, keyring: Keyring, id: string, change: ChangeAccountRequest, now: Date) {
  await lockAccess(tx);
  const before = await seenAccount(tx, actor, id);
  const after: AccountState = {
    ...before,
    ...(change.group !== undefined && { group: change.group }),
    ...(change.tags !== undefined && { tags: change.tags }),
    ...(change.disabled !== undefined && { disabled: change.disabled }),
  };
  const rule = demand(mayChange(actor, 'Users.Edit', await resourceOfAccount(tx, before), await resourceOfAccount(tx, after)));
  const group = await groupOf(tx, after.group);
  if (after.group !== null && group === null) throw new FleetFault('bad-request', 'there is no such group', { path: 'group' });
  const isMoved = after.group !== before.group;
  // In another group, or enabled again, it has other rights than it had; nor does anybody shut out who may do more.
  if (isMoved || before.disabled !== after.disabled) await demandWithinOwnRightsOf(tx, actor, id, group);
  if (after.disabled && !before.disabled) await demandOtherAdmin(tx, id);
  if (isMoved) await demandDesksSeen(tx, actor, id);
  await tx
    .updateTable('account')
    .set({
      group_id: after.group,
      tags: JSON.stringify(after.tags),
      ...(after.disabled !== before.disabled && { disabled_at: after.disabled ? now : null }),
    })
    .where('id', '=', id)
    .execute();
  if (isMoved) await demandDesksSeen(tx, actor, id);
  if (after.disabled && !before.disabled) {
    await tx.updateTable('session').set({ ended_at: now }).where('account_id', '=', id).where('ended_at', 'is', null).execute();
  }
  return { rule, before, after, answer: await answerOf(tx, keyring, actor.tenant, id) };
}

/** What the account may do is no more than what the actor may: to be asked before it is enabled, disabled or moved. */
async function demandWithinOwnRightsOf(tx: Tx, actor: Actor, account: string, holder: Group | null): Promise<void> {
  const profiles = await profilesOf(tx, account);
  const grants = profiles.map((profile) => ({ profile, holder }));
  demandWithinOwnRights(actor, grants, await pathsOf(tx, namedGroups(profiles)));
}

// Desks follow their owner: whoever is restricted on desks moves nobody's desks into or out of that restriction.
async function demandDesksSeen(tx: Tx, actor: Actor, owner: string): Promise<void> {
  if (reachOf(actor, 'Devices.View').kind !== 'some') return;
  const { owned, seen } = await tx
    .selectFrom('device')
    .where('owner_id', '=', owner)
    .select((eb) => [
      eb.fn.countAll<number>().as('owned'),
      eb.fn.countAll<number>().filterWhere(deviceFilter(actor, 'Devices.View')).as('seen'),
    ])
    .executeTakeFirstOrThrow();
  if (seen < owned)
    throw new FleetFault('outside-scope', "the account's desks would move into or out of your reach", { rule: 'acl.rule9' });
}

async function answerOf(tx: Tx, keyring: Keyring, tenant: string, id: string): Promise<AccountAnswer> {
  const rows = await tx.selectFrom('account').select(columns).where('id', '=', id).execute();
  const [answer] = await answersOf(tx, keyring, tenant, rows);
  if (!answer) throw new Error('one account gives one answer');
  return answer;
}

interface AccountRow {
  id: string;
  kind: AccountAnswer['kind'];
  name_sealed: Buffer;
  group_id: string | null;
  tags: unknown;
  created_at: Date;
  disabled_at: Date | null;
}

async function answersOf(tx: Tx, keyring: Keyring, tenant: string, rows: readonly AccountRow[]): Promise<AccountAnswer[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const held = await tx
    .selectFrom('account_profile')
    .innerJoin('security_profile', 'security_profile.id', 'account_profile.profile_id')
    .where('account_profile.account_id', 'in', ids)
    .select(['account_profile.account_id', 'security_profile.id', 'security_profile.name'])
    .orderBy('security_profile.name')
    .execute();
  const answers: AccountAnswer[] = [];
  for (const row of rows) {
    answers.push({
      id: row.id,
      name: await openAccountName(keyring, tx, tenant, row.id, row.name_sealed),
      kind: row.kind,
      group: row.group_id,
      tags: StoredTags.parse(row.tags),
      profiles: held.filter(({ account_id }) => account_id === row.id).map(({ id, name }) => ({ id, name })),
      createdAt: row.created_at.toISOString(),
      disabledAt: row.disabled_at?.toISOString() ?? null,
    });
  }
  return answers;
}
