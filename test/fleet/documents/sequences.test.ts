import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RuleId } from '../../../contracts/finding.ts';
import type { Revisions } from '../../../contracts/fleet-api.ts';
import { operatorOf } from '../../../fleet/access/actor.ts';
import { addSealingKey, readSealingKeys, retireSealingKey } from '../../../fleet/crypto/sealing-keys.ts';
import { FleetFault } from '../../../fleet/http/fault.ts';
import { endWaiver, requestWaiver } from '../../../fleet/waivers/waivers.ts';
import { openRealDesk, openStage, type RealDesk, type Stage } from './open-stage.ts';

// Random histories of publishing, assigning, moving, waiving and passing time, against the agent's own stores.

const RUNS = Number(process.env.DESKWARDEN_RUNS ?? 6);
let stage: Stage;
let root = '';
beforeAll(async () => {
  stage = await openStage();
  root = await mkdtemp(path.join(tmpdir(), 'deskwarden-sequences-'));
});
afterAll(async () => {
  await stage.close();
  await rm(root, { recursive: true, force: true });
});

type Step =
  | { do: 'publish'; policy: number; value: number }
  | { do: 'assign'; policy: number; group: number; priority: number }
  | { do: 'unassign'; at: number }
  | { do: 'move'; desk: number; group: number }
  | { do: 'waive'; on: 'desk' | 'group'; at: number; minutes: number }
  | { do: 'end'; at: number }
  | { do: 'pass'; minutes: number }
  | { do: 'rotate' }
  | { do: 'seal'; retire: boolean }
  | { do: 'heartbeat'; desk: number };

const small = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('publish' as const), policy: small, value: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('assign' as const), policy: small, group: small, priority: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unassign' as const), at: fc.nat(5) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('move' as const), desk: small, group: small }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('waive' as const),
      on: fc.constantFrom('desk' as const, 'group' as const),
      at: small,
      minutes: fc.nat(30),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), at: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), minutes: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rotate' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('seal' as const), retire: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('heartbeat' as const), desk: small }) },
);

interface World {
  policies: string[];
  groups: string[];
  desks: RealDesk[];
  assigned: string[];
  waivers: string[];
}

let worlds = 0;

async function newWorld(): Promise<World> {
  worlds += 1;
  const names = [0, 1, 2].map((at) => `w${worlds}-${at}`);
  const groups: string[] = [];
  for (const name of names) groups.push(await stage.addGroup(name));
  const desks: RealDesk[] = [];
  for (const group of groups) {
    const id = await stage.addDesk({ group });
    desks.push(await openRealDesk(stage, id, path.join(root, id)));
  }
  return { policies: names, groups, desks, assigned: [], waivers: [] };
}

const operator = operatorOf('00000000-0000-0000-0000-000000000000');
const approve = (id: string) =>
  stage.within((tx) => tx.updateTable('waiver').set({ approved_at: stage.now() }).where('id', '=', id).execute());
/** A step that the fleet refuses is none. */
const quietly = <T>(work: Promise<T>): Promise<T | null> =>
  work.catch((error: unknown) => (error instanceof FleetFault ? null : Promise.reject(error)));

async function take(world: World, one: Step): Promise<void> {
  const pick = <T>(from: readonly T[], at: number): T => from[at % from.length] as T;
  if (one.do === 'publish') await quietly(stage.publish(pick(world.policies, one.policy), `verdictTtlMs: ${60_000 + one.value}\n`));
  else if (one.do === 'assign') {
    const target = { kind: 'group' as const, group: pick(world.groups, one.group) };
    const made = await quietly(stage.assign(pick(world.policies, one.policy), target, worlds * 100 + one.priority));
    if (made) world.assigned.push(made);
  } else if (one.do === 'unassign' && world.assigned.length > 0) {
    const gone = pick(world.assigned, one.at);
    await stage.within((tx) => tx.deleteFrom('policy_assignment').where('id', '=', gone).execute());
  } else if (one.do === 'move') {
    const group = pick(world.groups, one.group);
    await stage.within((tx) =>
      tx.updateTable('device').set({ group_id: group }).where('id', '=', pick(world.desks, one.desk).id).execute(),
    );
  } else if (one.do === 'waive') {
    const target =
      one.on === 'desk'
        ? { kind: 'device' as const, device: pick(world.desks, one.at).id }
        : { kind: 'group' as const, group: pick(world.groups, one.at) };
    const until = new Date(stage.now().getTime() + (one.minutes + 1) * 60_000).toISOString();
    const what = { instance: stage.instance.id, target, rule: RuleId.parse('network.dns'), reason: 'a test', until };
    await quietly(
      stage
        .within((tx) => requestWaiver(stage, { tx, actor: operator, now: stage.now(), what }))
        .then(async ({ id }) => {
          await approve(id);
          world.waivers.push(id);
        }),
    );
  } else if (one.do === 'end' && world.waivers.length > 0) {
    const id = pick(world.waivers, one.at);
    await quietly(stage.within((tx) => endWaiver({ tx, actor: operator, now: stage.now(), what: id })));
  } else if (one.do === 'pass') stage.advance(one.minutes * 60_000);
  else if (one.do === 'rotate') await stage.deps.keys.rotate();
  else if (one.do === 'seal') await quietly(changeSealing(one.retire));
}

let sealingKeys = 0;

/** Adds a key, or retires the oldest that is active. */
function changeSealing(retire: boolean): Promise<unknown> {
  return stage.within(async (tx) => {
    const oldest = (await readSealingKeys(tx, stage.instance.id)).find(({ retiredAt }) => retiredAt === null);
    if (retire && oldest) return retireSealingKey(tx, stage.instance.id, oldest.kid, stage.now());
    sealingKeys += 1;
    const x = String(sealingKeys).padStart(43, 'x');
    return addSealingKey(tx, stage.instance.id, { kid: `key-${sealingKeys}`, kty: 'OKP', crv: 'X25519', x }, stage.now());
  });
}

/** What the desk must obey, reckoned by hand from the tables. */
async function expected(world: World, desk: RealDesk) {
  const { group_id: group } = await stage.within((tx) =>
    tx.selectFrom('device').select('group_id').where('id', '=', desk.id).executeTakeFirstOrThrow(),
  );
  const [assignment] = await stage.within((tx) =>
    tx.selectFrom('policy_assignment').selectAll().where('group_id', '=', group).orderBy('priority', 'desc').limit(1).execute(),
  );
  const [policy] = assignment
    ? await stage.within((tx) =>
        tx
          .selectFrom('policy_revision')
          .select('resolved')
          .where('policy_id', '=', assignment.policy_id)
          .where('published_at', 'is not', null)
          .orderBy('revision', 'desc')
          .limit(1)
          .execute(),
      )
    : [];
  const waivers = await stage.within((tx) =>
    tx
      .selectFrom('waiver')
      .selectAll()
      .where('id', 'in', [...world.waivers, desk.id])
      .execute(),
  );
  const active = waivers.filter(
    (row) => row.ended_at === null && row.until > stage.now() && (row.device_id === desk.id || row.group_id === group),
  );
  const resolved = policy?.resolved as { id: string; verdictTtlMs: number } | undefined;
  const sealing = (await stage.within((tx) => readSealingKeys(tx, stage.instance.id))).filter(({ retiredAt }) => retiredAt === null);
  return {
    sealing: sealing.at(-1)?.kid,
    policy: resolved && { id: resolved.id, verdictTtlMs: resolved.verdictTtlMs },
    waivers: active.map(({ id }) => id).toSorted(),
  };
}

it(`every desk's revisions only rise, the agent's stores take the whole sequence, and it obeys what holds (${RUNS} histories)`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const world = await newWorld();
      const seen = new Map<string, { latest: Revisions; said: Map<string, string> }>();
      const beat = async (desk: RealDesk) => {
        const before = desk.held();
        const { latest } = await desk.heartbeat();
        const last = seen.get(desk.id) ?? {
          latest: { policy: 0, allowlist: 0, waivers: 0, sealing: 0, keys: 0 },
          said: new Map<string, string>(),
        };
        for (const kind of ['policy', 'allowlist', 'waivers', 'sealing', 'keys'] as const) {
          expect(latest[kind], kind).toBeGreaterThanOrEqual(last.latest[kind]);
          expect(desk.held()[kind], kind).toBe(Math.max(before[kind], latest[kind]));
        }
        const { orders, sealingKey } = desk.book.current();
        const { policy, waivers } = orders;
        // A revision never says two things.
        for (const [key, said] of [
          [`policy ${desk.held().policy}`, JSON.stringify(policy)],
          [`waivers ${desk.held().waivers}`, JSON.stringify(waivers)],
          [`sealing ${desk.held().sealing}`, JSON.stringify(sealingKey)],
        ] as const) {
          expect(last.said.get(key) ?? said).toBe(said);
          last.said.set(key, said);
        }
        seen.set(desk.id, { ...last, latest });
        const due = await expected(world, desk);
        if (due.policy) expect(policy).toMatchObject(due.policy);
        expect(waivers.map(({ id }) => id).toSorted()).toEqual(due.waivers);
        expect(sealingKey?.kid).toBe(due.sealing);
      };
      for (const one of steps) {
        await take(world, one);
        if (one.do === 'heartbeat') await beat(world.desks[one.desk] as RealDesk);
      }
      for (const desk of world.desks) await beat(desk);
      // Nothing happens: nothing is fetched.
      for (const desk of world.desks) expect((await desk.heartbeat()).taken).toEqual([]);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
}, 60_000);
