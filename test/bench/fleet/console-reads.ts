import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { DesksRequest } from '../../../contracts/console/desks.ts';
import { type Actor, operatorOf } from '../../../fleet/access/actor.ts';
import type { Keyring } from '../../../fleet/crypto/keyring.ts';
import { type Db, NIL_ID, type Tx } from '../../../fleet/db/tenancy.ts';
import { readFloor } from '../../../fleet/desks/floor.ts';
import { listDesks } from '../../../fleet/desks/list-desks.ts';
import type { Row } from '../measure.ts';

const BUDGET_MS = 150;
const CALLS = 60;
const REGIONS = 5;
const SITES = 10;

/** Two levels: regions, and sites below them. Desks are on the sites. */
export async function addGroups(db: Db, tenant: string): Promise<string[]> {
  const sites: string[] = [];
  await db.within({ tenant }, async (tx) => {
    for (let region = 0; region < REGIONS; region++) {
      const parent = randomUUID();
      const common = { tenant_id: tenant, instance_id: NIL_ID };
      await tx
        .insertInto('hierarchy_group')
        .values({ ...common, id: parent, parent_id: null, level: 1, name: `region-${region}`, path: [parent] })
        .execute();
      for (let site = 0; site < SITES; site++) {
        const id = randomUUID();
        sites.push(id);
        await tx
          .insertInto('hierarchy_group')
          .values({ ...common, id, parent_id: parent, level: 2, name: `site-${site}`, path: [parent, id] })
          .execute();
      }
    }
  });
  return sites;
}

/** Each call in a transaction of its own, as the API makes it; a host name that is opened is a random one of the bench. */
export async function measureReads(
  db: Db,
  scope: { tenant: string; instance: string },
  keyring: Keyring,
  groups: readonly string[],
  desks: number,
): Promise<Row[]> {
  const named: Keyring = { ...keyring, open: async () => Buffer.from('desk-1.example.com') };
  const all = operatorOf(scope.tenant);
  const [site = ''] = groups;
  const supervisor: Actor = {
    ...all,
    kind: 'account',
    account: randomUUID(),
    group: { id: site, path: [site] },
    profiles: [
      {
        id: randomUUID(),
        name: 'supervisor',
        isDefault: false,
        permissions: ['Devices.View', 'LiveBoard.Access'],
        accessControl: {
          hierarchy: { mode: 'own' },
          hierarchyRestrictedResources: ['Device'],
          tags: {},
          tagRestrictedResources: [],
        },
      },
    ],
  };
  const query = (given: object) => DesksRequest.parse({ limit: 50, ...given });
  const list = (actor: Actor, given: object) => (tx: Tx) => listDesks({ tx, actor, now: new Date() }, named, query(given));
  const second = (await db.within(scope, list(all, { limit: 200 }))).next;
  const reads: [string, (tx: Tx) => Promise<unknown>][] = [
    ['floor, all desks', (tx) => readFloor({ tx, actor: all, now: new Date() }, {})],
    ['floor, one group by filter', (tx) => readFloor({ tx, actor: supervisor, now: new Date() }, {})],
    ['list, worst first', list(all, {})],
    ['list, after 200', list(all, second === null ? {} : { after: second })],
    ['list, blocked', list(all, { standing: 'blocked' })],
    ['list, silent (none)', list(all, { standing: 'silent' })],
    ['list, a group', list(all, { group: groups[3] })],
    ['list, a tag', list(all, { tagKey: 'Dept', tagValue: 'Claims' })],
    ['list, a rule', list(all, { rule: 'turn-udp' })],
    ['list, by a supervisor', list(supervisor, {})],
  ];
  const rows: Row[] = [];
  for (const [what, read] of reads) {
    const took: number[] = [];
    for (let call = 0; call < CALLS; call++) {
      const started = performance.now();
      await db.within({ tenant: scope.tenant }, read);
      took.push(performance.now() - started);
    }
    took.sort((a, b) => a - b);
    const [p50 = Number.NaN, p95 = Number.NaN] = [took[Math.floor(CALLS * 0.5)], took[Math.floor(CALLS * 0.95)]];
    const measured = `p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms`;
    rows.push({ what: `${what} (${desks} desks)`, measured, baseline: '-', budget: `p95 < ${BUDGET_MS} ms`, met: p95 < BUDGET_MS });
  }
  return rows;
}
