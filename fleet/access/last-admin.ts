import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import type { DefaultProfileName } from './default-profiles.ts';

const ADMIN: DefaultProfileName = 'FleetAdmin';

export function isAdminProfile({ name, isDefault }: { name: string; isDefault: boolean }): boolean {
  return isDefault && name === ADMIN;
}

/** S2-08: without this account there is still a person who administers. Under the lock of `lockAccess`. */
export async function demandOtherAdmin(tx: Tx, account: string): Promise<void> {
  const admins = await tx
    .selectFrom('account_profile')
    .innerJoin('security_profile', 'security_profile.id', 'account_profile.profile_id')
    .innerJoin('account', 'account.id', 'account_profile.account_id')
    .where('security_profile.name', '=', ADMIN)
    .where('security_profile.is_default', '=', true)
    .where('account.disabled_at', 'is', null)
    .where('account.kind', '!=', 'service')
    .select('account.id')
    .execute();
  if (!admins.some(({ id }) => id === account) || admins.length > 1) return;
  throw new FleetFault('last-admin', 'nobody would be left who administers: make another administrator first', { rule: 'acl.last-admin' });
}
