import { randomInt, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:https';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DesksAnswer } from '../../../contracts/console/desks.ts';
import { may } from '../../../fleet/access/decide.ts';
import { deviceFilter } from '../../../fleet/access/filter.ts';
import { pathOfGroup } from '../../../fleet/access/hierarchy.ts';
import { loadActor } from '../../../fleet/access/load-actor.ts';
import { addTenant } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type RunningServer, runServer } from '../running-server.ts';
import { cookieFor, sealHostNames } from './api-stage.ts';
import {
  effectiveGroup,
  type RandomAccount,
  type RandomWorld,
  randomOf,
  randomWorld,
  referenceTree,
  referenceUser,
} from './random-world.ts';
import { referenceMay } from './reference-rule.ts';
import { moveGroups, storeWorld } from './stored-world.ts';

const cases = Number(process.env.DESKWARDEN_ACCESS_CASES ?? 10_000);
const seed = Number(process.env.DESKWARDEN_ACCESS_SEED ?? randomInt(2 ** 31));
/** Of a world: more than two pages. */
const DESKS = 60;
/** Of each person's desks also looked at one by one: a call each. */
const SINGLE = 3;

interface Counts {
  compared: number;
  seen: number;
  single: number;
  pages: number;
}

describeWithDatabase('the decision, the SQL and the answers of the API', () => {
  let server: RunningServer;
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  beforeAll(async () => {
    server = await runServer();
  });
  afterAll(async () => {
    agent.destroy();
    expect(server.events.filter(({ event }) => event === 'fault')).toEqual([]);
    await server.close();
  });

  it(`agree in ${cases} random cases, seed ${seed}`, { timeout: 30_000 + 10 * cases }, async () => {
    const random = randomOf(seed);
    const { db } = server.store;
    const counts: Counts = { compared: 0, seen: 0, single: 0, pages: 0 };
    while (counts.compared < cases) {
      const world = randomWorld(random, DESKS);
      const made = await addTenant(db);
      await db.within(made, (tx) => storeWorld(tx, world, made));
      await sealHostNames(server, made, new Map(world.desks.map(({ id }, nth) => [id, `desk-${nth}.example.com`])));
      // Services have tokens and no sessions.
      const people: [RandomAccount, string][] = [];
      for (const account of world.accounts) {
        if (account.kind === 'oidc') people.push([account, await cookieFor(db, { tenant: made.tenant, account: account.id }, new Date())]);
      }
      await Promise.all(people.map(([account, cookie]) => compare(made, world, account, cookie, counts)));
      // The same sessions, with what holds from the next call on.
      await db.within(made, (tx) => moveGroups(tx, world, made.tenant, random));
      await Promise.all(people.map(([account, cookie]) => compare(made, world, account, cookie, counts)));
    }
    console.log(
      `access by API: ${counts.compared} cases, ${counts.seen} seen, ${counts.pages} pages, ${counts.single} single desks, DESKWARDEN_ACCESS_SEED=${seed}`,
    );
    expect(counts.seen / counts.compared).toBeGreaterThan(0.05);
    expect(counts.seen / counts.compared).toBeLessThan(0.9);
    expect(counts.single).toBeGreaterThan(cases / 20);
  });

  async function compare(made: { tenant: string }, world: RandomWorld, account: RandomAccount, cookie: string, counts: Counts) {
    const { decided, filtered } = await server.store.db.within(made, async (tx) => {
      const actor = await loadActor(tx, account.id, null);
      if (!actor) throw new Error('an account that cannot be loaded');
      const rows = await tx.selectFrom('device').select('id').where(deviceFilter(actor, 'Devices.View')).execute();
      const allowed = new Set<string>();
      for (const desk of world.desks) {
        const groupPath = await pathOfGroup(tx, effectiveGroup(world, desk));
        if (may(actor, 'Devices.View', { groupPath, tags: desk.tags }).allowed) allowed.add(desk.id);
      }
      return { decided: allowed, filtered: new Set(rows.map(({ id }) => id)) };
    });
    const tree = referenceTree(world);
    const user = referenceUser(world, account);
    const listed = await listedTo(
      cookie,
      user.profiles.some(({ permissions }) => permissions.includes('Devices.View')),
      counts,
    );
    // A few of either kind, where there are any.
    const single = new Map<string, number>();
    for (const isSeen of [true, false]) {
      const some = world.desks.filter(({ id }) => decided.has(id) === isSeen).slice(0, SINGLE);
      const none = isSeen || some.length === 0 ? null : await get(`/api/v1/desks/${randomUUID()}`, cookie);
      for (const { id } of some) {
        const answer = await get(`/api/v1/desks/${id}`, cookie);
        single.set(id, answer.status);
        if (none) expect(answer).toEqual(none);
      }
    }
    counts.single += single.size;
    for (const desk of world.desks) {
      const thing = { type: 'Device', group: effectiveGroup(world, desk), tags: new Map(Object.entries(desk.tags)) };
      const byWords = referenceMay(user, 'Devices.View', thing, tree);
      const status = single.get(desk.id);
      const found = {
        byDecision: decided.has(desk.id),
        bySql: filtered.has(desk.id),
        byList: listed.has(desk.id),
        bySingle: status === undefined ? byWords : status === 200,
      };
      if (Object.values(found).some((one) => one !== byWords)) {
        throw new Error(`they differ: ${JSON.stringify({ seed, byWords, ...found, status, user, thing, tree: [...tree] }, null, 1)}`);
      }
      counts.compared += 1;
      if (byWords) counts.seen += 1;
    }
  }

  /** Every page; 403 as a whole for who has the permission in no profile, or is denied it by a guardrail. */
  async function listedTo(cookie: string, mayAtAll: boolean, counts: Counts): Promise<Set<string>> {
    const ids: string[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const { status, text } = await get(`/api/v1/desks?limit=25${after && `&after=${encodeURIComponent(after)}`}`, cookie);
      if (status === 403) {
        const { code } = (JSON.parse(text) as { error: { code: string } }).error;
        expect(mayAtAll ? ['explicit-deny'] : ['forbidden', 'explicit-deny']).toContain(code);
        return new Set();
      }
      expect([status, text.slice(0, 200)]).toEqual([200, expect.anything()]);
      const page = DesksAnswer.parse(JSON.parse(text));
      ids.push(...page.items.map(({ id }) => id));
      counts.pages += 1;
      after = page.next;
    }
    expect(new Set(ids).size).toBe(ids.length);
    return new Set(ids);
  }

  function get(path: string, cookie: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const asked = request(
        { host: '127.0.0.1', port: server.server.consolePort, path, ca: server.ca, agent, headers: { cookie }, timeout: 20_000 },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      asked.on('timeout', () => asked.destroy(new Error(`no answer to ${path}`)));
      asked.on('error', reject);
      asked.end();
    });
  }
});
