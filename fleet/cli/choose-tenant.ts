import { NIL_ID, type Tx } from '../db/tenancy.ts';
import type { Store } from '../store.ts';
import { UsageFault } from './command.ts';

/** The tenant that `--tenant` names, or the only one. */
export async function chooseTenant({ db }: Store, slug: string | undefined): Promise<string> {
  const tenants = await db.tenants();
  if (slug === undefined && tenants.length === 1 && tenants[0]) return tenants[0].id;
  const found = tenants.find((one) => one.slug === slug);
  if (found) return found.id;
  const all = tenants.map((one) => one.slug).join(', ') || 'none yet: name one in the configuration and start the server';
  throw new UsageFault(slug === undefined ? `which tenant? --tenant, one of: ${all}` : `no tenant "${slug}"; there is: ${all}`);
}

export interface ChosenInstance {
  id: string;
  alias: string;
  region: string;
}

/** The instance that `--instance` names by its alias, or the only one of the tenant. */
export async function chooseInstance(tx: Tx, alias: string | undefined): Promise<ChosenInstance> {
  const rows = await tx
    .selectFrom('instance')
    .select(['instance_id as id', 'alias', 'region'])
    .where('instance_id', '!=', NIL_ID)
    .orderBy('alias')
    .execute();
  if (alias === undefined && rows.length === 1 && rows[0]) return rows[0];
  const [found, second] = rows.filter((one) => one.alias === alias);
  if (found && !second) return found;
  throw new UsageFault(`which instance? --instance, one of: ${rows.map((one) => one.alias).join(', ')}`);
}
