import type { Keyring } from '../crypto/keyring.ts';
import { NIL_ID, type Tx } from '../db/tenancy.ts';

// Names are confidential: sealed, and found by a blind index. Compared exactly, case and all.

const scopeOf = (tenant: string) => ({ tenant, instance: NIL_ID });
const placeOf = (account: string) => ({ table: 'account', row: account, field: 'name' });

export async function sealAccountName(keyring: Keyring, tx: Tx, tenant: string, account: string, name: string): Promise<Buffer> {
  const key = await keyring.key(tx, scopeOf(tenant), 'identity');
  return key.seal(placeOf(account), name);
}

export async function openAccountName(keyring: Keyring, tx: Tx, tenant: string, account: string, sealed: Uint8Array): Promise<string> {
  const plain = await keyring.open(tx, scopeOf(tenant), 'identity', placeOf(account), sealed);
  return plain.toString('utf8');
}

export function indexOfAccountName(keyring: Keyring, tx: Tx, tenant: string, name: string): Promise<Buffer> {
  return keyring.index(tx, scopeOf(tenant), 'account.name', name);
}
