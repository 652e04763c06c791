import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendAudit } from '../../../fleet/audit/append.ts';
import { removeOldAudit } from '../../../fleet/audit/removal.ts';
import { verifyAudit } from '../../../fleet/audit/verify.ts';
import { checkAppRole } from '../../../fleet/db/check-role.ts';
import { migrate } from '../../../fleet/db/migrate.ts';
import { APP_ROLE, grantsFor, quoteName } from '../../../fleet/db/roles.ts';
import { type Db, NIL_ID, openDb } from '../../../fleet/db/tenancy.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { codeOf, rolledBack, withClient } from '../db/raw.ts';
import { describeWithDatabase } from '../describe-with-database.ts';

const DAY_MS = 86_400_000;
const INSUFFICIENT_PRIVILEGE = '42501';
const BAD_TIME = '22007';
/** Of the two tenants; each chain has records of 130 and 100 days ago, and young ones. */
const [SHORT, LONG] = [95, 120];

interface Stage {
  ownerUrl: string;
  appUrl: string;
  appRole: string;
  db: Db;
  tenant: string;
  other: string;
  drop(admin: pg.Client): Promise<void>;
}

function record(daysAgo: number, action = 'POST /api/v1/desks/:id/tags') {
  const at = new Date(Date.now() - daysAgo * DAY_MS).toISOString();
  const target = { type: 'device', id: randomUUID() };
  return { eventId: randomUUID(), at, actor: { kind: 'system' as const }, action, status: 200, targets: [target], requestId: 'r' };
}

// Raw SQL as the server's role: what somebody with that role's password, or an injection into the server, could try.
describeWithDatabase('the audit chain against the server', () => {
  let database: TestDatabase;
  const stages: Stage[] = [];

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(async () => {
    await withClient(database.adminUrl, async (admin) => {
      for (const { db, drop } of stages) {
        await db.end();
        await drop(admin);
      }
    });
    await database.close();
  });

  async function fill(given: Omit<Stage, 'db' | 'tenant' | 'other'>): Promise<Stage> {
    const db = openDb({ url: given.appUrl, applicationName: 'test', max: 2, onError: () => undefined });
    const keeping = (audit: number) => addTenant(db, { retention: { history: 90, rollups: 90, audit } });
    const [{ tenant }, { tenant: other }] = [await keeping(SHORT), await keeping(LONG)];
    for (const chain of [tenant, other, NIL_ID]) {
      await db.within({ tenant: chain }, async (tx) => {
        for (const daysAgo of [130, 100, 1, 100, 0, 0]) await appendAudit(tx, chain, record(daysAgo));
      });
    }
    const stage = { ...given, db, tenant, other };
    stages.push(stage);
    return stage;
  }

  /** A database as somebody else set it up, with roles of their own. */
  async function elsewhere(ownerAttributes: string): Promise<Stage> {
    const id = randomBytes(5).toString('hex');
    const [name, owner, appRole] = [`other_${id}`, `tables_${id}`, `Fleet-${id}`];
    await withClient(database.adminUrl, async (admin) => {
      for (const role of [`${owner} login ${ownerAttributes}`, `${quoteName(appRole)} login nosuperuser nobypassrls`])
        await admin.query(`create role ${role} password 'example'`);
      await admin.query(`create database ${name} owner ${owner}`);
    });
    const as = (role: string) => database.appUrl.replace(/\/\/[^@]*@\/[^?]*/, `//${role}:example@/${name}`);
    await migrate(as(owner), appRole);
    const drop = async (admin: pg.Client) => {
      await admin.query(`drop database ${name} with (force)`);
      await admin.query(`drop role ${owner}, ${quoteName(appRole)}`);
    };
    return fill({ ownerUrl: as(owner), appUrl: as(appRole), appRole, drop });
  }

  const asApp = <T>({ appUrl, tenant }: Pick<Stage, 'appUrl' | 'tenant'>, work: (client: pg.Client) => Promise<T>) =>
    withClient(appUrl, async (client) => {
      await client.query("select set_config('deskwarden.tenant', $1, false)", [tenant]);
      return work(client);
    });

  function attempts({ tenant, other }: Stage): string[] {
    const forged = `'${JSON.stringify(record(0))}'`;
    const row = 'instance_id, seq + 1, at, actor, action, record, source_sealed, hash';
    const tables = ['audit_head', 'audit_record', 'audit_target'];
    return [
      ...tables.flatMap((table) => [
        `delete from ${table}`,
        `truncate ${table}`,
        `update ${table} set tenant_id = tenant_id`,
        `update ${table} set seq = 3`,
        `insert into ${table} select * from ${table}`,
        `drop table ${table}`,
        `alter table ${table} disable row level security`,
      ]),
      // Changed.
      "update audit_record set record = ''",
      "update audit_record set hash = sha256('')",
      "update audit_record set at = '1970-01-01'",
      // Cut at its end, at its start, in its midst.
      'delete from audit_record where seq = 6',
      'delete from audit_record where seq = 1',
      'delete from audit_record where seq = 3',
      'update audit_head set seq = 3, hash = (select hash from audit_record where seq = 3)',
      'update audit_head set anchor_seq = 3, anchor_hash = (select hash from audit_record where seq = 3)',
      // Forged, into it and behind its head.
      `insert into audit_record select tenant_id, ${row} from audit_record where seq = 6`,
      `insert into audit_record select '${other}', ${row} from audit_record where seq = 6`,
      `insert into audit_head (tenant_id, seq, hash, anchor_hash) values ('${tenant}', 0, '', '') on conflict (tenant_id) do update set seq = 3`,
      `select write_audit('${tenant}', ${forged}, ${forged}::jsonb, null)`,
      `select append_audit('${tenant}', '${JSON.stringify(record(0, 'audit.removed'))}', null)`,
      // Another tenant's.
      `select append_audit('${other}', ${forged}, null)`,
      `select append_audit(null, ${forged}, null)`,
      `select remove_old_audit('${other}', 'infinity', now(), 10)`,
      `select remove_old_audit('${NIL_ID}', 'infinity', now(), 10)`,
      // Kept for less long.
      `update tenant_settings set retention = '{"audit":0}'`,
      'delete from tenant_settings',
      `insert into tenant_settings (tenant_id, name, region, retention) values ('${tenant}', '', '', '{"audit":0}')
       on conflict (tenant_id) do update set retention = excluded.retention`,
      // Held, so that nothing can be audited.
      'select from audit_head for update',
      // By another function of the same name, or one that the owner's would call.
      'create or replace function append_audit(uuid, text, bytea) returns bigint language sql as $$ select 1::bigint $$',
      "create function public.sha256(text) returns bytea language sql as $$ select ''::bytea $$",
      'alter function append_audit(uuid, text, bytea) security invoker',
      'drop function append_audit(uuid, text, bytea)',
    ];
  }

  /** Those that PostgreSQL does not refuse for want of a right. */
  function possible(stage: Stage): Promise<string[]> {
    return asApp(stage, async (client) => {
      const done: string[] = [];
      for (const attempt of attempts(stage)) {
        if ((await codeOf(rolledBack(client, () => client.query(attempt)))) !== INSUFFICIENT_PRIVILEGE) done.push(attempt);
      }
      return done;
    });
  }

  describe.each([
    ['of the embedded database', null],
    ['of a database with other roles', 'nosuperuser'],
    ['of a database whose tables a superuser owns', 'superuser'],
  ])('%s', (_name, ownerAttributes) => {
    let stage: Stage;
    beforeAll(async () => {
      const { ownerUrl, appUrl } = database;
      stage =
        ownerAttributes === null
          ? await fill({ ownerUrl, appUrl, appRole: APP_ROLE, drop: async () => {} })
          : await elsewhere(ownerAttributes);
    });

    it("is neither changed, cut nor forged, and not another tenant's", async () => {
      expect(await possible(stage)).toEqual([]);
      expect(await checkAppRole(stage.appUrl)).toBe(stage.appRole);
      for (const tenant of [stage.tenant, stage.other, NIL_ID])
        expect(await verifyAudit(stage.db, tenant)).toMatchObject({ checked: 6, broken: null });
    });

    it('takes a record at its head alone, and finds it by what it says', async () => {
      await asApp(stage, async (client) => {
        await client.query('begin');
        const append = (text: string) => client.query<{ seq: string }>('select append_audit($1, $2, null) as seq', [stage.tenant, text]);
        const { rows } = await append(JSON.stringify({ ...record(0, 'anything'), actor: { kind: 'account', id: 'somebody' } }));
        expect(rows).toEqual([{ seq: '7' }]);
        const found = await client.query('select actor, action from audit_record where seq = 7');
        expect(found.rows).toEqual([{ actor: 'somebody', action: 'anything' }]);
        for (const at of ['now', 'infinity', '2026-01-01', undefined]) {
          await client.query('savepoint before');
          expect(await codeOf(append(JSON.stringify({ ...record(0), at })))).toBe(BAD_TIME);
          await client.query('rollback to before');
        }
        await client.query('rollback');
      });
    });

    it('loses what is older than the tenant keeps, from its start, and nothing else whatever is asked for', async () => {
      // Who appends what nobody can be named for is not asked for how long it is kept.
      const remove = (tenant: string, most: number) =>
        asApp({ ...stage, tenant }, async (client) => {
          const { rows } = await client.query("select remove_old_audit($1, 'infinity', now(), $2) as count", [tenant, most]);
          return rows[0].count;
        });
      const left = async (tenant: string) => {
        const rows = await stage.db.within({ tenant }, (tx) =>
          tx.selectFrom('audit_record').select(['seq', 'action']).orderBy('seq').execute(),
        );
        return rows.map(({ seq, action }) => (action === 'audit.removed' ? `${seq} removed` : seq));
      };
      // Of one at a time, as of all: the second of 100 days ago stands behind a young one.
      expect([await remove(stage.tenant, 1), await remove(stage.tenant, 100), await remove(stage.tenant, 100)]).toEqual([1, 1, 0]);
      expect(await left(stage.tenant)).toEqual([3, 4, 5, 6, '7 removed', '8 removed']);
      // Kept for longer, and by whoever keeps longest.
      for (const chain of [stage.other, NIL_ID]) {
        expect(await remove(chain, 100)).toBe(1);
        expect(await left(chain)).toEqual([2, 3, 4, 5, 6, '7 removed']);
      }
      // The server's own choice, where that is to keep more.
      expect(await removeOldAudit(stage.db, stage.other, 400, new Date())).toBe(0);
      for (const tenant of [stage.tenant, stage.other, NIL_ID]) expect((await verifyAudit(stage.db, tenant)).broken).toBeNull();
    });

    it('goes on in its own tenant after it looked for who keeps longest', async () => {
      await asApp({ ...stage, tenant: NIL_ID }, (client) =>
        rolledBack(client, async () => {
          await client.query("select remove_old_audit($1, 'infinity', now(), 100)", [NIL_ID]);
          const { rows } = await client.query('select current_tenant() as tenant');
          expect(rows).toEqual([{ tenant: NIL_ID }]);
        }),
      );
    });

    it('is not cut while a tenant does not say how long it keeps', async () => {
      await withClient(stage.ownerUrl, (owner) =>
        rolledBack(owner, async () => {
          await owner.query("select set_config('deskwarden.tenant', $1, true)", [stage.tenant]);
          await owner.query("update tenant_settings set retention = '{}' where tenant_id = $1", [stage.tenant]);
          for (const chain of [stage.tenant, NIL_ID]) {
            await owner.query('savepoint before');
            await owner.query("select set_config('deskwarden.tenant', $1, true)", [chain]);
            await expect(owner.query("select remove_old_audit($1, 'infinity', now(), 10)", [chain])).rejects.toThrow(/not said how long/);
            await owner.query('rollback to before');
          }
        }),
      );
    });
  });

  describe('with one right more', () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await elsewhere('nosuperuser');
    });

    it.each([
      'insert on audit_record',
      'update on audit_record',
      'update (hash) on audit_record',
      'delete on audit_record',
      'insert on audit_head',
      'update on audit_head',
      'update (seq) on audit_head',
      'delete on audit_head',
      'insert on audit_target',
      'update on audit_target',
      'delete on audit_target',
      'truncate on audit_record',
      'update (retention) on tenant_settings',
      'update on tenant_settings',
      'delete on tenant_settings',
      'create on schema public',
    ])('%s: is possible to change, refused at the start, and mended by a migration', async (right) => {
      const role = quoteName(stage.appRole);
      await withClient(stage.ownerUrl, async (owner) => {
        await owner.query(`grant ${right} to ${role}`);
        try {
          expect(await possible(stage)).not.toEqual([]);
          await expect(checkAppRole(stage.appUrl)).rejects.toThrow(/it may (change the audit|truncate|create functions)/);
        } finally {
          if (right.includes('schema')) await owner.query(`revoke ${right} from ${role}`);
          await owner.query(grantsFor(stage.appRole));
        }
      });
      expect(await possible(stage)).toEqual([]);
    });
  });
});
