import type { Tx } from '../db/tenancy.ts';
import type { Authority, Issued } from './authority/authority.ts';

/** A certificate that is known by its serial number from the moment that the desk has it. */
export async function issueCertificate(
  authority: Authority,
  tx: Tx,
  device: { tenant: string; instance: string; id: string },
  spki: Uint8Array,
  now: Date,
): Promise<Issued> {
  const { tenant, instance, id } = device;
  const issued = await authority.issueDevice({ tenant, instance, id }, spki, now);
  const { serial, notBefore: not_before, notAfter: not_after } = issued;
  await tx
    .insertInto('device_certificate')
    .values({ tenant_id: tenant, instance_id: instance, serial, device_id: id, not_before, not_after })
    .execute();
  return issued;
}
