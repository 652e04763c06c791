import { randomUUID } from 'node:crypto';
import { seedDefaultProfiles } from './access/default-profiles.ts';
import type { FleetConfig } from './config.ts';
import { type Db, NIL_ID, type Tx } from './db/tenancy.ts';

export interface MadeTenant {
  tenant: string;
  slug: string;
  made: boolean;
}

/** Makes what the configuration names and the database lacks; nothing that exists is changed. Safe beside other replicas. */
export async function ensureTenants(db: Db, wanted: FleetConfig['tenants']): Promise<MadeTenant[]> {
  const made: MadeTenant[] = [];
  for (const one of wanted) made.push(await ensureTenant(db, one));
  return made;
}

async function ensureTenant(db: Db, wanted: FleetConfig['tenants'][number]): Promise<MadeTenant> {
  const candidate = randomUUID();
  await db.within({ tenant: candidate }, (tx) =>
    tx
      .insertInto('tenant')
      .values({ id: candidate, slug: wanted.slug })
      .onConflict((conflict) => conflict.column('slug').doNothing())
      .execute(),
  );
  const tenant = (await db.tenants()).find(({ slug }) => slug === wanted.slug)?.id;
  if (tenant === undefined) throw new Error(`the tenant "${wanted.slug}" is not there although it was made`);
  await db.within({ tenant }, async (tx) => {
    await tx
      .insertInto('tenant_settings')
      .values({
        tenant_id: tenant,
        instance_id: NIL_ID,
        name: wanted.name,
        region: wanted.region,
        retention: JSON.stringify(wanted.retention),
      })
      .onConflict((conflict) => conflict.column('tenant_id').doNothing())
      .execute();
    for (const instance of wanted.instances) await ensureInstance(tx, tenant, instance);
    await seedDefaultProfiles(tx, tenant);
  });
  return { tenant, slug: wanted.slug, made: tenant === candidate };
}

async function ensureInstance(tx: Tx, tenant: string, { alias, region }: { alias: string; region: string }): Promise<void> {
  await tx
    .insertInto('instance')
    .values({ tenant_id: tenant, instance_id: randomUUID(), alias, region })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'alias', 'region']).doNothing())
    .execute();
}
