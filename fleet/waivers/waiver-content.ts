import { sql } from 'kysely';
import { WaiverSet } from '../../contracts/waiver.ts';
import { openAccountName } from '../access/account-name.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Tx } from '../db/tenancy.ts';
import type { DocumentInstance } from '../documents/document-rows.ts';
import type { Content } from '../documents/issue.ts';
import { digestOf, type WaiverItem } from './waiver-set.ts';

type Source = WaiverItem['source'];

/** Who granted by the command line on the server itself; shown to the agent. */
const OPERATOR = 'fleet operator';
/** As a waiver of the desk's may hold. */
const MAX_NAME = 200;

export const reasonPlace = (table: Source['table'], row: string) => ({ table, row, field: 'reason' });

/** A set of waivers as a document; reasons and names are opened only when one is to be written. */
export function waiverContent(tx: Tx, keyring: Keyring, instance: DocumentInstance, items: readonly WaiverItem[]): Content {
  const digest = digestOf(items);
  return {
    kind: 'waivers',
    audience: digest.toString('hex'),
    hash: digest,
    body: async (revision) => {
      const told = new Map([
        ...(await readReasons(tx, keyring, instance, 'waiver', items)),
        ...(await readReasons(tx, keyring, instance, 'group_release', items)),
      ]);
      const waivers = items.map(({ id, rule, until, source }) => {
        const why = told.get(source.row);
        if (!why) throw new Error(`${source.table} ${source.row} has no reason`);
        return { schema: 1, id, rule, reason: why.reason, grantedBy: why.grantedBy, until: until.toISOString() };
      });
      return WaiverSet.parse({ schema: 1, revision, waivers });
    },
  };
}

async function readReasons(
  tx: Tx,
  keyring: Keyring,
  instance: DocumentInstance,
  table: Source['table'],
  items: readonly WaiverItem[],
): Promise<[string, { reason: string; grantedBy: string }][]> {
  const ids = [...new Set(items.flatMap(({ source }) => (source.table === table ? [source.row] : [])))];
  if (ids.length === 0) return [];
  const { rows } = await sql<{ id: string; reason_sealed: Buffer; approved_by: string | null; name_sealed: Buffer | null }>`
    select given.id, given.reason_sealed, given.approved_by, account.name_sealed from ${sql.table(table)} as given
    left join account on account.tenant_id = given.tenant_id and account.id = given.approved_by
    where given.instance_id = ${instance.id} and given.id = any(${ids}::uuid[])`.execute(tx);
  const scope = { tenant: instance.tenant, instance: instance.id };
  const told: [string, { reason: string; grantedBy: string }][] = [];
  for (const { id, reason_sealed: sealed, approved_by: by, name_sealed: name } of rows) {
    const reason = await keyring.open(tx, scope, 'identity', reasonPlace(table, id), sealed);
    const grantedBy = by !== null && name !== null ? await openAccountName(keyring, tx, instance.tenant, by, name) : OPERATOR;
    told.push([id, { reason: reason.toString('utf8'), grantedBy: grantedBy.slice(0, MAX_NAME) }]);
  }
  return told;
}
