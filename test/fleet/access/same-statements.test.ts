import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type KyselyPlugin, PostgresQueryCompiler } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Db } from '../../../fleet/db/tenancy.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import type { Person } from '../signed-in.ts';
import { type ApiStage, openApiStage } from './api-stage.ts';
import { control, own } from './example-world.ts';

/** Nothing waits for as long between two transactions of one job. */
const QUIET_MS = 500;

interface Written {
  /** With their parameters, in the order in which they are asked for. */
  statements: { sql: string; parameters: readonly unknown[] }[];
  /** Transactions under way. */
  open: number;
}

function writingDown(db: Db, written: Written): Db {
  const compiler = new PostgresQueryCompiler();
  const plugin: KyselyPlugin = {
    transformQuery({ node, queryId }) {
      const { sql, parameters } = compiler.compileQuery(node, queryId);
      written.statements.push({ sql, parameters });
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  return {
    ...db,
    async within(scope, work) {
      written.open += 1;
      try {
        return await db.within(scope, (tx) => work(tx.withPlugin(plugin)));
      } finally {
        written.open -= 1;
      }
    },
  };
}

/** The server's jobs begin with it, and have statements of their own. */
async function jobsDone(written: Written): Promise<void> {
  for (let sinceMs = performance.now(); performance.now() - sinceMs < QUIET_MS; await delay(20)) {
    if (written.open === 0 && written.statements.length === 0) continue;
    written.statements.length = 0;
    sinceMs = performance.now();
  }
}

// Rule 8: that there is something is told neither by the answer nor by what is done for it.
describeWithDatabase('an unseen desk and one that does not exist', () => {
  const written: Written = { statements: [], open: 0 };
  let stage: ApiStage;
  let person: Person;
  beforeAll(async () => {
    stage = await openApiStage({ through: (db) => writingDown(db, written) });
    person = await stage.person('Berlin', [
      await stage.addProfile(
        [
          'Devices.View',
          'Devices.Edit',
          'Devices.Revoke',
          'Devices.Retire',
          'ChangeHistory.View',
          'Devices.ReleaseCode',
          'Rings.View',
          'Rings.Edit',
        ],
        control(own),
      ),
    ]);
    await jobsDone(written);
  });
  afterAll(() => stage.close());

  it.each([
    ['GET', '/api/v1/desks/:desk', undefined],
    ['GET', '/api/v1/desks/:desk/timeline', undefined],
    ['GET', '/api/v1/desks/:desk/changes', undefined],
    ['PATCH', '/api/v1/desks/:desk', { tags: { Dept: 'Claims' } }],
    ['POST', '/api/v1/rings/:ring/members', { desk: ':desk' }],
    // Last, since the one that is seen is gone then.
    ['POST', '/api/v1/desks/:desk/revoke', undefined],
    ['POST', '/api/v1/desks/:desk/retire', undefined],
  ] as const)('%s %s: the same bytes, by the same statements', async (method, path, body) => {
    const ring = await person.ask({ method: 'POST', path: '/api/v1/rings', body: { name: randomUUID() } });
    const { id } = ring.body as { id: string };
    const ask = async (desk: string) => {
      const fill = (text: string) => text.replace(':desk', desk).replace(':ring', id);
      written.statements.length = 0;
      const reply = await person.ask({ method, path: fill(path), ...(body && { body: fill(JSON.stringify(body)) }) });
      const { date: _, 'x-request-id': __, ...headers } = reply.headers;
      // By the place of the id among the parameters: other ids, times and records differ by themselves.
      const asked = written.statements.map(({ sql, parameters }) => ({ sql, places: parameters.map((one) => one === desk) }));
      return { status: reply.status, text: reply.text, headers, asked };
    };
    const [unseen, none, seen] = [await ask(stage.desks.D5), await ask(randomUUID()), await ask(stage.desks.D1)];
    expect(unseen.status).toBe(404);
    expect(unseen).toEqual(none);
    // What is asked of the desk is written down here at all.
    expect(unseen.asked.filter(({ places }) => places.includes(true)).length).toBeGreaterThan(0);
    expect(seen.status).not.toBe(404);
    expect(seen.text).not.toBe(unseen.text);
  });
});
