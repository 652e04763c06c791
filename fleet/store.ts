import path from 'node:path';
import type { FleetConfig } from './config.ts';
import type { KeyChangeDeps } from './crypto/key-change.ts';
import type { KeyProvider } from './crypto/key-provider.ts';
import { keyUpkeep } from './crypto/key-upkeep.ts';
import { createKeyring, type Keyring } from './crypto/keyring.ts';
import { openLocalKeyProvider } from './crypto/local-key-provider.ts';

import { type Embedded, joinEmbedded, type Machine, openEmbedded } from './db/embedded.ts';
import { EmbeddedFault } from './db/embedded-fault.ts';
import { firstOfMany } from './db/outage.ts';
import { type DatabaseAddress, prepareDatabase } from './db/prepare.ts';
import { type Db, openDb } from './db/tenancy.ts';

/** What every part of the fleet works on: the database through row-level security, and the keys that open what is sealed in it. */
export interface Store {
  config: FleetConfig;
  db: Db;
  /**
   * With connections of its own, for what opens a transaction while another one waits for it: from one pool, as many callers
   * as it has connections would wait for each other.
   */
  innerDb: Db;
  keyring: Keyring;
  keys: KeyProvider;
  keyChange: KeyChangeDeps;
  /** Brings keys back that were out of use, goes on with their changes and follows them by new ones once a year. */
  keyUpkeep(): Promise<void>;
  now: () => Date;
  close(): Promise<void>;
}

export interface StorePlace {
  config: FleetConfig;
  machine: Machine;
  /** Value of a secret reference of the configuration. */
  resolveSecret(reference: string): Promise<string>;
  /** From the environment, before the configuration's. */
  addressInEnvironment: DatabaseAddress | null;
  now: () => Date;
  onFault(what: string, detail: string): void;
}

/** For a command beside the server: of the server that runs already, where one does. */
export async function openStoreBeside(place: StorePlace): Promise<Store> {
  if (await isExternal(place)) return openStore(place);
  const address = await joinEmbedded(embeddedDir(place.config));
  if (address === null) return openStore(place);
  return assemble(place, await prepared(address), async () => {});
}

/** Starts or adopts the embedded server where no other database is named, and brings the schema up to date. */
export async function openStore(place: StorePlace): Promise<Store> {
  const external = await externalAddress(place);
  if (external) return assemble(place, await prepared(external), async () => {});
  let embedded: Embedded;
  try {
    embedded = await openEmbedded({
      dir: embeddedDir(place.config),
      machine: place.machine,
      say: (line) => place.onFault('database', line),
    });
  } catch (error) {
    if (error instanceof EmbeddedFault) place.onFault('database', error.message);
    throw error;
  }
  try {
    return await assemble(place, await prepared(embedded), () => embedded.stop());
  } catch (error) {
    await embedded.stop();
    throw error;
  }
}

function embeddedDir(config: FleetConfig): string {
  return path.join(config.dataDir, 'postgresql');
}

async function isExternal(place: StorePlace): Promise<boolean> {
  return place.addressInEnvironment !== null || place.config.database !== undefined;
}

async function externalAddress({ config, addressInEnvironment, resolveSecret }: StorePlace): Promise<DatabaseAddress | null> {
  if (addressInEnvironment) return addressInEnvironment;
  if (!config.database) return null;
  const { url, ownerUrl } = config.database;
  return { appUrl: await resolveSecret(url), ownerUrl: ownerUrl === undefined ? null : await resolveSecret(ownerUrl) };
}

async function prepared(address: DatabaseAddress): Promise<string> {
  await prepareDatabase({ appUrl: address.appUrl, ownerUrl: address.ownerUrl });
  return address.appUrl;
}

async function assemble(place: StorePlace, appUrl: string, stop: () => Promise<void>): Promise<Store> {
  const { config, now, onFault } = place;
  const onError = firstOfMany(now, (error) => onFault('database', error.message));
  const open = (part: string, max: number) => openDb({ url: appUrl, applicationName: `deskwarden-fleet${part}`, max, onError });
  const [db, innerDb, keyDb] = [open('', 10), open(' inner', 5), open(' keys', 3)] as const;
  const keys = await openLocalKeyProvider({ dir: path.join(config.dataDir, 'keys'), clock: now });
  const keyring = createKeyring({ provider: keys, db: keyDb, clock: now, onFault: (fault) => onFault('keys', fault.message) });
  const keyChange: KeyChangeDeps = { provider: keys, db: keyDb, clock: now, principal: 'deskwarden-fleet', wipe: keyring.wipe };
  return {
    config,
    db,
    innerDb,
    keyring,
    keys,
    keyChange,
    keyUpkeep: () => keyUpkeep({ ...keyChange, onError: (_owner, error) => onFault('keys', String(error)) }),
    now,
    async close() {
      keyring.close();
      await Promise.all([db.end(), innerDb.end(), keyDb.end()]);
      await stop();
    },
  };
}
