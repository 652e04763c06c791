import { performance } from 'node:perf_hooks';
import type { KeyProvider } from '../../../fleet/crypto/key-provider.ts';
import type { KeyUse } from '../../../fleet/crypto/key-use.ts';
import { createKeyring, type Keyring, type OpenKeyring } from '../../../fleet/crypto/keyring.ts';
import type { KeyOwner, Place } from '../../../fleet/crypto/place.ts';
import { type Db, openDb } from '../../../fleet/db/tenancy.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';

export const place: Place = { table: 'device', row: '1', field: 'host_name' };
const startAt = new Date('2026-03-01T10:00:00.000Z');

export interface Stage {
  database: TestDatabase;
  /** What calls use; the keyrings have connections of their own. */
  db: Db;
  keysDb: Db;
  now(): Date;
  advance(ms: number): void;
  keyring(provider: KeyProvider, cacheSeconds?: number): OpenKeyring;
  faults: { code: string; owner: KeyOwner }[];
  seal(keyring: Keyring, owner: KeyOwner, text: string, at?: Place): Promise<Buffer>;
  open(keyring: Keyring, owner: KeyOwner, sealed: Uint8Array, at?: Place): Promise<string>;
  uses(owner: KeyOwner): Promise<KeyUse[]>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const database = await openTestDatabase();
  const { db } = database;
  const keysDb = openDb({ url: database.appUrl, applicationName: 'test-keys', max: 4, onError: () => undefined });
  const keyrings: OpenKeyring[] = [];
  const faults: Stage['faults'] = [];
  let passedMs = 0;
  const startMs = performance.now();
  const now = () => new Date(startAt.getTime() + passedMs);
  return {
    database,
    db,
    keysDb,
    faults,
    now,
    advance(ms) {
      passedMs += ms;
    },
    keyring(provider, cacheSeconds = 300) {
      const monotonicMs = () => startMs + passedMs;
      const onFault = ({ code }: { code: string }, owner: KeyOwner) => void faults.push({ code, owner });
      const made = createKeyring({ provider, db: keysDb, clock: now, monotonicMs, cacheSeconds, onFault });
      keyrings.push(made);
      return made;
    },
    seal: (keyring, owner, text, at = place) =>
      db.within({ tenant: owner.tenant }, async (tx) => (await keyring.key(tx, owner, 'identity')).seal(at, text)),
    open: (keyring, owner, sealed, at = place) =>
      db.within({ tenant: owner.tenant }, async (tx) => (await keyring.open(tx, owner, 'identity', at, sealed)).toString()),
    uses: (owner) =>
      db.within(owner, async (tx) => {
        const rows = await tx.selectFrom('key_use').select('record').where('instance_id', '=', owner.instance).orderBy('at').execute();
        return rows.map(({ record }) => record as KeyUse);
      }),
    async close() {
      for (const keyring of keyrings) keyring.close();
      await keysDb.end();
      await database.close();
    },
  };
}
