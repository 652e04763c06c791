import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { catalog } from '../../../checks/catalog.ts';
import { NIL_ID, type Tx } from '../../../fleet/db/tenancy.ts';
import { readInstance } from '../../../fleet/documents/document-rows.ts';
import { openSigningKeys } from '../../../fleet/documents/signing-keys.ts';
import { hostNamePlace } from '../../../fleet/enrolment/host-name.ts';
import { assignPolicy } from '../../../fleet/policies/assign.ts';
import { publishRevision } from '../../../fleet/policies/publish.ts';
import { readPolicyText, refuseProblems, storeRevision } from '../../../fleet/policies/revisions.ts';
import { startSession } from '../../../fleet/sign-in/session.ts';
import type { Store } from '../../../fleet/store.ts';

export interface BenchTenant {
  /** Lowest groups of the hierarchy; desks are on these. */
  sites: string[];
  /** Cookies of sessions. The supervisor is of the first site, and sees that alone. */
  admin: string;
  supervisor: string;
}

interface Scope {
  tenant: string;
  instance: string;
}

const REGIONS = 5;
const SITES = 10;
const DESKS_PER_INSERT = 5_000;

/** Everything but the desks that enrol: groups, people with sessions, and `desks` devices that are there without a certificate. */
export async function fillTenant(store: Store, scope: Scope, desks: number): Promise<BenchTenant> {
  const { db } = store;
  const sites = await db.within({ tenant: scope.tenant }, (tx) => addGroups(tx, scope.tenant));
  await obeyPolicy(store, scope);
  for (let first = 0; first < desks; first += DESKS_PER_INSERT) {
    const count = Math.min(DESKS_PER_INSERT, desks - first);
    await db.within(scope, (tx) => addDevices(store, tx, scope, sites, first, count));
  }
  const [site = ''] = sites;
  return db.within({ tenant: scope.tenant }, async (tx) => ({
    sites,
    admin: await signIn(tx, scope.tenant, 'FleetAdmin', null),
    supervisor: await signIn(tx, scope.tenant, 'Supervisor', site),
  }));
}

async function addGroups(tx: Tx, tenant: string): Promise<string[]> {
  const sites: string[] = [];
  const common = { tenant_id: tenant, instance_id: NIL_ID };
  for (let region = 0; region < REGIONS; region++) {
    const parent = randomUUID();
    const above = { ...common, id: parent, parent_id: null, level: 1, name: `region-${region}`, path: [parent] };
    await tx.insertInto('hierarchy_group').values(above).execute();
    for (let site = 0; site < SITES; site++) {
      const id = randomUUID();
      sites.push(id);
      const below = { ...common, id, parent_id: parent, level: 2, name: `site-${site}`, path: [parent, id] };
      await tx.insertInto('hierarchy_group').values(below).execute();
    }
  }
  return sites;
}

/** Every desk is to obey one: heartbeats are answered by what is assigned. */
async function obeyPolicy({ db, keyring, now }: Store, { tenant, instance: id }: Scope): Promise<void> {
  const deps = { keys: await openSigningKeys({ db, keyring, now }), keyring, now };
  await db.within({ tenant }, async (tx) => {
    const instance = await readInstance(tx, id);
    if (!instance) throw new Error('no instance');
    const source = `schema: 1\nid: floor\ninstance: { alias: ${instance.alias}, region: ${instance.region} }\n`;
    const read = readPolicyText(source, instance, { checks: catalog, allowlist: bundledAllowlist }, 'floor');
    if (!read.ok) throw refuseProblems(read.problems);
    const { revision } = await storeRevision(tx, instance, { file: read.file, source, checks: catalog, by: null, now: now() });
    await publishRevision(deps, tx, instance, { policy: 'floor', revision, accept: undefined, by: null });
    await assignPolicy(tx, instance, { policy: 'floor', target: { kind: 'all' }, priority: 1, acceptDesks: undefined }, now());
  });
}

/** Their names are sealed as those of real ones are: lists open them. */
async function addDevices({ keyring, now }: Store, tx: Tx, scope: Scope, sites: string[], first: number, count: number): Promise<void> {
  const key = await keyring.key(tx, scope, 'identity');
  const rows = Array.from({ length: count }, (_, index) => {
    const id = randomUUID();
    return {
      id,
      host: `\\x${key.seal(hostNamePlace(id), `desk-${first + index}.example.com`).toString('hex')}`,
      random: `\\x${randomBytes(32).toString('hex')}`,
      group_id: sites[(first + index) % sites.length],
      tags: { Dept: index % 3 === 0 ? 'Claims' : 'Sales' },
    };
  });
  await sql`
    insert into device (tenant_id, instance_id, id, status, spki_hash, host_name_sealed, host_name_index, platform, group_id, tags,
      enrolled_at, created_at, status_changed_at)
    select ${scope.tenant}, ${scope.instance}, id, 'enrolled', random, host, random, 'linux', group_id, tags, ${now()}, ${now()}, ${now()}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n(id uuid, host bytea, random bytea, group_id uuid, tags jsonb)`.execute(tx);
}

async function signIn(tx: Tx, tenant: string, profile: string, group: string | null): Promise<string> {
  const [account, now] = [randomUUID(), new Date()];
  const common = { tenant_id: tenant, instance_id: NIL_ID };
  const named = { name_sealed: randomBytes(60), name_index: randomBytes(32), created_at: now };
  await tx
    .insertInto('account')
    .values({ ...common, id: account, kind: 'local', group_id: group, ...named })
    .execute();
  const { id } = await tx.selectFrom('security_profile').select('id').where('name', '=', profile).executeTakeFirstOrThrow();
  await tx
    .insertInto('account_profile')
    .values({ ...common, account_id: account, profile_id: id })
    .execute();
  const { cookie } = await startSession(tx, { tenant, account, secondFactor: { at: now.toISOString(), by: 'totp' } }, now);
  return cookie.split(';')[0] ?? '';
}
