import { Readable } from 'node:stream';
import { type SqlBool, sql } from 'kysely';
import type { DeskEntry, DesksExportRequest } from '../../contracts/console/desks.ts';
import type { Actor } from '../access/actor.ts';
import { loadActor } from '../access/load-actor.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Db, Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { csvLine } from './csv.ts';
import { filters } from './list-desks.ts';
import { type DeskRow, deskColumns, type Reading, stateOfDevice, toEntry, visible } from './shown-desk.ts';

/** Held in memory at once, as rows and as their text. */
const PAGE = 500;

const columns = [
  ['id', ({ id }) => id],
  ['host name', ({ hostName }) => hostName],
  ['platform', ({ platform }) => platform],
  ['group', ({ group }) => group?.name ?? ''],
  ['standing', ({ standing }) => standing],
  ['since', ({ since }) => since],
  ['causes', ({ causes }) => causes.join(' ')],
  ['gate', ({ gate }) => gate],
  ['heard', ({ heardAt }) => heardAt ?? ''],
  ['agent', ({ agentVersion }) => agentVersion],
  ['tags', ({ tags }) => JSON.stringify(tags)],
] as const satisfies readonly (readonly [string, (desk: DeskEntry) => string])[];

export interface ExportDeps {
  db: Db;
  keyring: Keyring;
  now: () => Date;
}

/**
 * The desks that the actor may see, by id, each once. Read page by page, each in a transaction of its own and with the rights of that
 * moment: a slow reader holds neither memory nor a connection, and nothing tells beforehand how much is to come.
 */
export function exportDesks(deps: ExportDeps, actor: Actor, query: DesksExportRequest): Readable {
  return Readable.from(lines(), { objectMode: false });

  async function* lines(): AsyncGenerator<string> {
    yield csvLine(columns.map(([title]) => title));
    for (let after: string | null = ''; after !== null; ) {
      const from: string = after;
      const page: { text: string; next: string | null } = await deps.db.within({ tenant: actor.tenant }, (tx) => readPage(tx, from));
      if (page.text !== '') yield page.text;
      after = page.next;
    }
  }

  async function readPage(tx: Tx, after: string): Promise<{ text: string; next: string | null }> {
    const asker = await loadActor(tx, actor.account, actor.session === null ? null : { id: actor.session, mfaAt: actor.mfaAt });
    if (!asker) throw new FleetFault('not-signed-in', 'the account was disabled meanwhile');
    const reading: Reading = { tx, actor: asker, now: deps.now() };
    const conditions = [
      visible(reading),
      ...(await filters(reading, deps.keyring, query)),
      ...(after === '' ? [] : [sql<SqlBool>`s.device_id > ${after}::uuid`]),
    ];
    const { rows } = await sql<DeskRow>`
      with page as materialized (
        select ${deskColumns} from ${stateOfDevice} where ${sql.join(conditions, sql` and `)} order by s.device_id limit ${PAGE}
      )
      select page.*, g.name as "groupName" from page
      left join hierarchy_group g on g.tenant_id = ${asker.tenant} and g.id = page."group" order by page.id`.execute(tx);
    let text = '';
    for (const row of rows) {
      const desk = await toEntry(reading, deps.keyring, row);
      text += csvLine(columns.map(([, of]) => of(desk)));
    }
    return { text, next: rows.length === PAGE ? (rows.at(-1)?.id ?? null) : null };
  }
}
