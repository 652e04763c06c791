import type { Keyring } from '../crypto/keyring.ts';
import { NIL_ID, type Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import { nameOf } from './account.ts';
import { newTotpSecret, totpStep, totpUri } from './totp.ts';

const placeOf = (account: string) => ({ table: 'account', row: account, field: 'totp_sealed' });

/** A new secret, which counts from its first code on. Not for an account that has one in use: an administrator resets that by a link. */
export async function offerSecondFactor(
  tx: Tx,
  keyring: Keyring,
  tenant: string,
  account: string,
): Promise<{ secret: string; uri: string }> {
  const secret = newTotpSecret();
  const key = await keyring.key(tx, { tenant, instance: NIL_ID }, 'secrets');
  const offered = await tx
    .updateTable('account')
    .set({ totp_sealed: key.seal(placeOf(account), secret) })
    .where('id', '=', account)
    .where('kind', '=', 'local')
    .where('totp_step', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (!offered) throw new FleetFault('conflict', 'a second factor is set up already');
  return { secret, uri: totpUri(secret, await nameOf(tx, keyring, tenant, account)) };
}

/** Whether the code is one of this moment that nobody used before. Two that come with the same code at once: one is told true. */
export async function spendSecondFactor(
  tx: Tx,
  keyring: Keyring,
  tenant: string,
  account: string,
  code: string,
  now: Date,
): Promise<boolean> {
  const row = await tx.selectFrom('account').select('totp_sealed').where('id', '=', account).executeTakeFirst();
  if (!row?.totp_sealed) return false;
  const secret = await keyring.open(tx, { tenant, instance: NIL_ID }, 'secrets', placeOf(account), row.totp_sealed);
  const step = totpStep(secret.toString('utf8'), code, now);
  if (step === null) return false;
  const used = await tx
    .updateTable('account')
    .set({ totp_step: step })
    .where('id', '=', account)
    .where('totp_sealed', '=', row.totp_sealed)
    .where((eb) => eb.or([eb('totp_step', 'is', null), eb('totp_step', '<', step)]))
    .returning('id')
    .executeTakeFirst();
  return used !== undefined;
}
