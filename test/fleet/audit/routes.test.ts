import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AuditAnswer, ChangesAnswer } from '../../../contracts/console/audit.ts';
import { appendAudit } from '../../../fleet/audit/append.ts';
import { NIL_ID } from '../../../fleet/db/tenancy.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { openStage, type Stage } from '../sign-in/stage.ts';

describeWithDatabase('reading the audit', () => {
  let stage: Stage;
  let admin: { account: string; cookie: string };
  let desk: string;

  beforeAll(async () => {
    stage = await openStage();
    admin = await stage.enrol('anna');
    desk = await addDesk();
  });
  afterAll(async () => {
    expect(stage?.faults).toEqual([]);
    await stage?.close();
  });

  async function addDesk(): Promise<string> {
    const id = randomUUID();
    await stage.db.within({ tenant: stage.tenant }, async (tx) => {
      const { instance_id } = await tx.selectFrom('instance').select('instance_id').executeTakeFirstOrThrow();
      await tx
        .insertInto('device')
        .values({
          tenant_id: stage.tenant,
          instance_id,
          id,
          status: 'enrolled',
          spki_hash: randomBytes(32),
          host_name_sealed: randomBytes(40),
          host_name_index: randomBytes(32),
          platform: 'linux',
          created_at: stage.now(),
          status_changed_at: stage.now(),
        })
        .execute();
    });
    return id;
  }

  async function changeDesk(id: string, status = 200, action = 'PATCH /api/v1/desks/:id'): Promise<void> {
    await stage.db.within({ tenant: stage.tenant }, (tx) =>
      appendAudit(tx, stage.tenant, {
        eventId: randomUUID(),
        at: stage.now().toISOString(),
        actor: { kind: 'account', id: admin.account, mfa: true },
        action,
        status,
        targets: [{ type: 'device', id }],
        change: { beforeHash: 'a'.repeat(64), afterHash: 'b'.repeat(64) },
        requestId: 'req-1',
      }),
    );
  }

  const list = async (query: string) => AuditAnswer.parse((await stage.get(`/api/v1/audit?${query}`, admin.cookie)).body);

  it('pages through every record once, newest first, without those that came meanwhile', async () => {
    for (let count = 0; count < 5; count += 1) await changeDesk(desk);
    const first = await list('limit=3');
    expect(first.items).toHaveLength(3);
    const seen = first.items.map(({ seq }) => seq);
    for (let after = first.next; after !== null; ) {
      const page = await list(`limit=3&after=${after}`);
      seen.push(...page.items.map(({ seq }) => seq));
      after = page.next;
    }
    expect(seen).toEqual(Array.from({ length: seen[0] ?? 0 }, (_, index) => (seen[0] ?? 0) - index));
  });

  it('finds by actor, action, target and time', async () => {
    const other = await addDesk();
    const from = stage.now();
    stage.advance(60_000);
    await changeDesk(other, 200, 'desk.moved');
    stage.advance(60_000);
    for (const query of [`targetType=device&targetId=${other}`, 'action=desk.moved', `actor=${admin.account}&action=desk.moved`]) {
      expect(
        (await list(query)).items.map(({ record }) => record.action),
        query,
      ).toEqual(['desk.moved']);
    }
    expect((await list(`action=desk.moved&from=${from.toISOString()}&to=${stage.now().toISOString()}`)).items).toHaveLength(1);
    expect((await list(`action=desk.moved&to=${from.toISOString()}`)).items).toEqual([]);
    expect((await list(`targetType=device&targetId=${randomUUID()}`)).items).toEqual([]);
  });

  it('opens where a call came from only when asked', async () => {
    expect((await list('limit=5')).items.every(({ source }) => source === undefined)).toBe(true);
    const sources = (await list('action=GET%20/api/v1/audit&source=1&limit=2')).items.map(({ source }) => source);
    expect(sources).toEqual([
      { address: '127.0.0.1', userAgent: 'lightMyRequest' },
      { address: '127.0.0.1', userAgent: 'lightMyRequest' },
    ]);
  });

  it.each(['limit=0', 'limit=201', 'after=nonsense', 'targetType=device', 'from=yesterday', 'unknown=1'])('refuses %s', async (query) => {
    expect((await stage.get(`/api/v1/audit?${query}`, admin.cookie)).status).toBe(400);
  });

  it('shows what changed a desk, and no looks and no refusals', async () => {
    const other = await addDesk();
    await changeDesk(other, 200, 'PATCH /api/v1/desks/:id');
    await changeDesk(other, 403, 'DELETE /api/v1/desks/:id');
    await changeDesk(other, 200, 'GET /api/v1/desks/:id');
    const { items } = ChangesAnswer.parse((await stage.get(`/api/v1/desks/${other}/changes`, admin.cookie)).body);
    expect(items.map(({ action }) => action)).toEqual(['PATCH /api/v1/desks/:id']);
    expect(items[0]?.change).toEqual({ beforeHash: 'a'.repeat(64), afterHash: 'b'.repeat(64) });
    expect((await stage.get(`/api/v1/desks/${randomUUID()}/changes`, admin.cookie)).status).toBe(404);
  });

  it("E28: closes a desk's history, and the log, to whoever sees a part of the desks; a policy's stays open", async () => {
    const lead = await stage.enrol('lead');
    const group = randomUUID();
    await stage.db.within({ tenant: stage.tenant }, async (tx) => {
      const ids = { tenant_id: stage.tenant, instance_id: NIL_ID };
      await tx
        .insertInto('hierarchy_group')
        .values({ ...ids, id: group, level: 1, name: 'EMEA', path: [group] })
        .execute();
      await tx
        .insertInto('security_profile')
        .values([
          {
            ...ids,
            id: randomUUID(),
            name: 'Historian',
            permissions: ['ChangeHistory.View', 'Audit.View', 'Policies.View'],
            created_at: stage.now(),
          },
        ])
        .execute();
      await tx.updateTable('account').set({ group_id: group }).where('id', '=', lead.account).execute();
      await tx.updateTable('device').set({ group_id: group }).where('id', '=', desk).execute();
    });
    await stage.giveProfiles(lead.account, ['Supervisor', 'Historian']);
    const restricted = { status: 403, body: { error: { code: 'history-restricted' } } };
    expect(await stage.get(`/api/v1/desks/${desk}/changes`, lead.cookie)).toMatchObject(restricted);
    expect(await stage.get('/api/v1/audit', lead.cookie)).toMatchObject(restricted);
    expect((await stage.get('/api/v1/policies/base/changes', lead.cookie)).status).toBe(200);
    // Out of scope: as if there were none.
    expect((await stage.get(`/api/v1/desks/${await addDesk()}/changes`, lead.cookie)).status).toBe(404);
    await stage.giveProfiles(lead.account, ['Supervisor']);
    expect((await stage.get(`/api/v1/desks/${desk}/changes`, lead.cookie)).body.error?.code).toBe('forbidden');
  });

  it('has exactly one record of each call, also of those that were refused', async () => {
    const before = (await stage.records()).length;
    for (const [url, status] of [
      ['/api/v1/session', 200],
      ['/api/v1/audit?limit=0', 400],
      [`/api/v1/desks/${randomUUID()}/changes`, 404],
    ] as const) {
      expect((await stage.get(url, admin.cookie)).status).toBe(status);
    }
    const records = (await stage.records()).slice(before);
    expect(records.map(({ status, code }) => [status, code])).toEqual([
      [200, undefined],
      [400, 'bad-request'],
      [404, 'not-found'],
    ]);
    expect(records.every(({ actor }) => actor.id === admin.account && actor.session !== undefined)).toBe(true);
  });
});
