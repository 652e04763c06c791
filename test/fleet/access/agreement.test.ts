import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { operatorOf } from '../../../fleet/access/actor.ts';
import { may, type Resource } from '../../../fleet/access/decide.ts';
import { deviceFilter, userFilter } from '../../../fleet/access/filter.ts';
import { changeGroup, pathOfGroup } from '../../../fleet/access/hierarchy.ts';
import { loadActor } from '../../../fleet/access/load-actor.ts';
import { permissions } from '../../../fleet/access/permission.ts';
import { NIL_ID, type Tx } from '../../../fleet/db/tenancy.ts';
import { FleetFault } from '../../../fleet/http/fault.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { deviceRow } from './example-world.ts';
import {
  asked,
  effectiveGroup,
  type Random,
  type RandomWorld,
  randomOf,
  randomWorld,
  referenceTree,
  referenceUser,
} from './random-world.ts';
import { referenceMay } from './reference-rule.ts';

const cases = Number(process.env.DESKWARDEN_ACCESS_CASES ?? 10_000);
const seed = Number(process.env.DESKWARDEN_ACCESS_SEED ?? randomInt(2 ** 31));

describeWithDatabase('the decision, the SQL and the words of the rule', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  it(`agree in ${cases} random cases, seed ${seed}`, { timeout: 15_000 + 5 * cases }, async () => {
    const random = randomOf(seed);
    const counts = { compared: 0, allowed: 0, moved: 0 };
    while (counts.compared < cases) {
      const world = randomWorld(random);
      const made = await addTenant(database.db);
      await database.db.within(made, async (tx) => {
        await storeWorld(tx, world, made);
        await compareAll(tx, world, counts);
      });
      counts.moved += await database.db.within(made, (tx) => moveGroups(tx, world, made.tenant, random));
      await database.db.within(made, (tx) => compareAll(tx, world, counts));
    }
    console.log(
      `access: ${counts.compared} cases, ${counts.allowed} allowed, ${counts.moved} groups moved, DESKWARDEN_ACCESS_SEED=${seed}`,
    );
    // Neither all nor nothing is allowed: else little would be compared.
    expect(counts.allowed / counts.compared).toBeGreaterThan(0.05);
    expect(counts.allowed / counts.compared).toBeLessThan(0.7);
    expect(counts.moved).toBeGreaterThan(0);
  });
});

async function compareAll(tx: Tx, world: RandomWorld, counts: { compared: number; allowed: number }): Promise<void> {
  const tree = referenceTree(world);
  const things = new Map<string, { type: string; group: string | null; tags: Record<string, string>; resource: Resource }>();
  const add = async (type: string, id: string, group: string | null, tags: Record<string, string>) =>
    things.set(id, { type, group, tags, resource: { groupPath: await pathOfGroup(tx, group), tags } });
  for (const desk of world.desks) await add('Device', desk.id, effectiveGroup(world, desk), desk.tags);
  for (const account of world.accounts) await add('User', account.id, account.group, account.tags);
  for (const account of world.accounts) {
    const actor = await loadActor(tx, account.id, null);
    if (!actor) throw new Error('an account that cannot be loaded');
    const user = referenceUser(world, account);
    for (const permission of asked) {
      const { type } = permissions[permission];
      const rows =
        type === 'Device'
          ? await tx.selectFrom('device').select('id').where(deviceFilter(actor, permission)).execute()
          : await tx.selectFrom('account').select('id').where(userFilter(actor, permission)).execute();
      const bySql = new Set(rows.map(({ id }) => id));
      for (const [id, thing] of things) {
        if (thing.type !== type) continue;
        const tags = new Map(Object.entries(thing.tags));
        const byWords = referenceMay(user, permission, { ...thing, tags }, tree);
        const byDecision = may(actor, permission, thing.resource).allowed;
        if (byDecision !== byWords || bySql.has(id) !== byWords) {
          const found = { seed, permission, byWords, byDecision, bySql: bySql.has(id), user, thing, tree: [...tree] };
          throw new Error(`they differ: ${JSON.stringify(found, null, 1)}`);
        }
        counts.compared += 1;
        if (byWords) counts.allowed += 1;
      }
    }
  }
}

async function storeWorld(tx: Tx, world: RandomWorld, { tenant, instance }: { tenant: string; instance: string }): Promise<void> {
  const own = { tenant_id: tenant, instance_id: NIL_ID };
  const at = new Date('2026-03-01T08:00:00Z');
  const paths = new Map<string, string[]>();
  for (const { id, parent } of world.groups) {
    const path = [...(parent === null ? [] : (paths.get(parent) ?? [])), id];
    paths.set(id, path);
    await tx
      .insertInto('hierarchy_group')
      .values({ ...own, id, parent_id: parent, level: path.length, name: id, path })
      .execute();
  }
  await tx
    .insertInto('security_profile')
    .values(
      world.profiles.map(({ id, permissions: granted, accessControl }) => ({
        ...own,
        id,
        name: id,
        permissions: granted,
        access_control: accessControl && JSON.stringify(accessControl),
        created_at: at,
      })),
    )
    .execute();
  await tx
    .insertInto('account')
    .values(
      world.accounts.map(({ id, kind, group, tags, conditions }) => ({
        ...own,
        id,
        kind,
        name_sealed: Buffer.from('sealed'),
        name_index: Buffer.from(id),
        group_id: group,
        tags: JSON.stringify(tags),
        conditions: JSON.stringify(conditions),
        created_at: at,
      })),
    )
    .execute();
  const held = world.accounts.flatMap(({ id, profiles }) => profiles.map((profile) => ({ ...own, account_id: id, profile_id: profile })));
  if (held.length > 0) await tx.insertInto('account_profile').values(held).execute();
  const guardrails = world.guardrails.length > 0 ? [{ name: 'Random', deny: world.guardrails, reason: 'test' }] : [];
  await tx
    .updateTable('tenant_settings')
    .set({ guardrails: JSON.stringify(guardrails) })
    .execute();
  await tx
    .insertInto('device')
    .values(world.desks.map((desk) => deviceRow({ ...desk, tenant, instance })))
    .execute();
}

/** Re-parents some groups where the tree allows it, in the database and in the world. */
async function moveGroups(tx: Tx, world: RandomWorld, tenant: string, random: Random): Promise<number> {
  let moved = 0;
  for (const group of random.some(world.groups, 0.4)) {
    const parent = random.chance(0.2) ? null : random.pick(world.groups).id;
    try {
      await changeGroup(tx, operatorOf(tenant), group.id, { parent });
    } catch (error) {
      if (error instanceof FleetFault && error.code === 'conflict') continue;
      throw error;
    }
    if (group.parent !== parent) moved += 1;
    group.parent = parent;
  }
  return moved;
}
