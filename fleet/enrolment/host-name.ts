import type { Keyring } from '../crypto/keyring.ts';
import type { Tx } from '../db/tenancy.ts';

type Owner = { tenant: string; instance: string };

export function hostNamePlace(device: string) {
  return { table: 'device', row: device, field: 'host_name_sealed' };
}

/** By which equal names are found without opening any: names of computers differ in neither case nor a last dot. */
export function hostNameIndex(keyring: Keyring, tx: Tx, owner: Owner, name: string): Promise<Buffer> {
  return keyring.index(tx, owner, 'device.host_name', name.trim().toLowerCase().replace(/\.$/, ''));
}

export async function openHostName(keyring: Keyring, tx: Tx, owner: Owner, device: string, sealed: Uint8Array): Promise<string> {
  return (await keyring.open(tx, owner, 'identity', hostNamePlace(device), sealed)).toString('utf8');
}
