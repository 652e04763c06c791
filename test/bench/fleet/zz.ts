import pg from 'pg';
import { addTenant, openTestDatabase } from '../../fleet/database.ts';
import { addDevices } from '../../fleet/intake/desk-reports.ts';
import { addGroups, measureReads } from './console-reads.ts';
import { printRows } from './print-rows.ts';
const database = await openTestDatabase();
const scope = await addTenant(database.db);
const c = new pg.Client({ connectionString: database.adminUrl }); await c.connect();
const groups = await addGroups(database.db, scope.tenant);
await addDevices(database.db, scope, 100000, (i) => ({ group: groups[i % groups.length] ?? null, tags: { Dept: i % 3 === 0 ? 'Claims' : 'Sales' } }));
await c.query("update desk_state set heard_at = now(), standing = (array['clear','clear','clear','blocked','caution'])[1 + (random()*4)::int], findings_digest = decode(md5(device_id::text),'hex'), verdict_digest = decode(md5(device_id::text),'hex'), epoch = device_id, reported_standing='clear', reported_gate='open', said_at = now(), reported_at = now(), agent_version = '0.1.0'");
await c.query("update desk_state set causes = case when severity = 3 then '{}' else array['turn-udp','dns-' || (random()*5)::int] end");
await c.query('vacuum analyze');
const app = new pg.Client({ connectionString: database.appUrl }); await app.connect();
await app.query("select set_config('deskwarden.tenant', $1, false)", [scope.tenant]);
for (const cutoff of [1]) { const r = await app.query(`explain (analyze, buffers) select case when d.owner_id is null then d.group_id else a.group_id end as "group", case when s.heard_at >= now() - interval '15 min' then s.standing else 'silent' end as standing, case when s.heard_at >= now() - interval '15 min' and s.severity < 3 then s.causes end as causes, count(*)::int from desk_state s join device d on d.tenant_id = s.tenant_id and d.id = s.device_id left join account a on a.tenant_id = d.tenant_id and a.id = d.owner_id where s.tenant_id = '${scope.tenant}' and d.status='enrolled' group by 1,2,3`); console.log(r.rows.map((x) => x['QUERY PLAN']).join('\n')); }
printRows(await measureReads(database.db, scope, {} as never, groups, 100000));
await app.end(); await c.end(); await database.close();
