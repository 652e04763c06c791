import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { may, type Resource } from '../../../fleet/access/decide.ts';
import { deviceFilter, userFilter } from '../../../fleet/access/filter.ts';
import { pathOfGroup } from '../../../fleet/access/hierarchy.ts';
import { loadActor } from '../../../fleet/access/load-actor.ts';
import { permissions } from '../../../fleet/access/permission.ts';
import type { Tx } from '../../../fleet/db/tenancy.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { asked, effectiveGroup, type RandomWorld, randomOf, randomWorld, referenceTree, referenceUser } from './random-world.ts';
import { referenceMay } from './reference-rule.ts';
import { moveGroups, storeWorld } from './stored-world.ts';

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
