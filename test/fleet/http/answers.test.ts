import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { type Actor, nobodyIn } from '../../../fleet/access/actor.ts';
import { appendAudit } from '../../../fleet/audit/append.ts';
import { verifyAudit } from '../../../fleet/audit/verify.ts';
import { NIL_ID, type Tx } from '../../../fleet/db/tenancy.ts';
import { mount } from '../../../fleet/http/frame.ts';
import { createListener } from '../../../fleet/http/listener.ts';
import { consoleRoute } from '../../../fleet/http/route.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';

const SECRET = 'what-nobody-may-read';

describeWithDatabase('an answer that is not as its schema says', () => {
  let database: TestDatabase;
  let app: FastifyInstance;
  let tenant: string;
  const faults: unknown[] = [];
  let failsToCommit = false;
  beforeAll(async () => {
    database = await openTestDatabase();
    ({ tenant } = await addTenant(database.db));
    app = createListener('console', {});
    const actor: Actor = { ...nobodyIn(tenant), kind: 'account', account: randomUUID() };
    mount(
      app,
      [
        grouping('right', { id: 'a' }),
        grouping('lost', { id: 'a' }),
        grouping('wrong', { id: 1, secret: SECRET }),
        grouping('more', { id: 'a', secret: SECRET }),
        gone(),
      ],
      {
        db: database.db,
        now: () => new Date(),
        identify: async () => ({ tenant, account: actor.account, session: null, mfaAt: null, device: null }),
        actorOf: async () => actor,
        appendAudit: async (tx, of, record) => {
          await appendAudit(tx, of, record);
          if (failsToCommit && record.status < 400) throw Object.assign(new Error('gone'), { code: '57P01' });
        },
        onFault: ({ error }) => void faults.push(error),
      },
    );
    await app.ready();
  });
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  async function addGroup(tx: Tx, name: string): Promise<void> {
    const id = randomUUID();
    const row = { tenant_id: tenant, instance_id: NIL_ID, id, parent_id: null, level: 1, name, path: [id] };
    await tx.insertInto('hierarchy_group').values(row).execute();
  }

  function grouping(name: string, answer: unknown) {
    return consoleRoute({
      method: 'POST',
      path: `/api/v1/${name}`,
      summary: name,
      who: 'signed-in',
      answer: z.strictObject({ id: z.string() }),
      status: 201,
      async handle({ tx, header }) {
        await addGroup(tx, name);
        header('set-cookie', `made=${SECRET}`);
        header('set-cookie', 'second=1');
        return answer as { id: string };
      },
    });
  }

  function gone() {
    const handle = async ({ tx }: { tx: Tx }) => addGroup(tx, 'gone').then(() => null);
    return consoleRoute({ method: 'DELETE', path: '/api/v1/gone', summary: 'x', who: 'signed-in', answer: z.null(), status: 204, handle });
  }

  const stored = () =>
    database.db.within({ tenant }, async (tx) => {
      const groups = await tx.selectFrom('hierarchy_group').select('name').orderBy('name').execute();
      const records = await tx.selectFrom('audit_record').select(['action', 'record']).orderBy('seq').execute();
      return {
        groups: groups.map(({ name }) => name),
        audit: records.map(({ action, record }) => `${action} ${JSON.parse(record).status} ${JSON.parse(record).code ?? ''}`.trim()),
      };
    });
  const send = (method: 'POST' | 'DELETE', url: string) => app.inject({ method, url });

  it('undoes what was done for it, tells nothing of it, and is recorded as what it is', async () => {
    for (const name of ['wrong', 'more']) {
      const reply = await send('POST', `/api/v1/${name}`);
      expect(reply.statusCode).toBe(500);
      expect(reply.json().error).toEqual({ code: 'internal', detail: expect.stringContaining('request id') });
      expect(reply.body + JSON.stringify(reply.headers)).not.toContain(SECRET);
      expect(reply.body).not.toMatch(/zod|expected|schema/i);
    }
    expect(await stored()).toEqual({ groups: [], audit: ['POST /api/v1/wrong 500 internal', 'POST /api/v1/more 500 internal'] });
    expect(faults.map(String)).toEqual([
      expect.stringContaining('/wrong gives an answer'),
      expect.stringContaining('/more gives an answer'),
    ]);
  });

  it('keeps what was done for one that is, and sends that very answer', async () => {
    const reply = await send('POST', '/api/v1/right');
    expect([reply.statusCode, reply.body, reply.headers['content-type']]).toEqual([201, '{"id":"a"}', 'application/json; charset=utf-8']);
    expect(reply.headers['set-cookie']).toEqual([`made=${SECRET}`, 'second=1']);
    const deleted = await send('DELETE', '/api/v1/gone');
    expect([deleted.statusCode, deleted.body, deleted.headers['content-type']]).toEqual([204, '', undefined]);
    const { groups, audit } = await stored();
    expect(groups).toEqual(['gone', 'right']);
    expect(audit.slice(-2)).toEqual(['POST /api/v1/right 201', 'DELETE /api/v1/gone 204']);
  });

  it('says that the database is away, and keeps nothing, where the record of the call cannot be written', async () => {
    const before = await stored();
    failsToCommit = true;
    const reply = await send('POST', '/api/v1/lost');
    failsToCommit = false;
    expect([reply.statusCode, reply.json().error.code, reply.headers['retry-after']]).toEqual([503, 'unavailable', '5']);
    expect(reply.headers['set-cookie']).toBeUndefined();
    const { groups, audit } = await stored();
    expect(groups).toEqual(before.groups);
    expect(audit).toEqual([...before.audit, 'POST /api/v1/lost 503 unavailable']);
    expect((await verifyAudit(database.db, tenant)).broken).toBeNull();
  });
});
