import { createHash } from 'node:crypto';
import type { RenewAnswer, RenewRequest } from '../../contracts/fleet-api.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import type { Authority } from './authority/authority.ts';
import type { Signer } from './authority/signer.ts';
import type { DeviceIdentity } from './device-identity.ts';
import { issueCertificate } from './issue-certificate.ts';

export interface RenewCall {
  tx: Tx;
  now: Date;
  device: DeviceIdentity;
  request: RenewRequest;
}

/** Another certificate for the key that the device was enrolled with. */
export async function renew(
  { signer, authority }: { signer: Signer; authority: Authority },
  { tx, now, device, request }: RenewCall,
): Promise<RenewAnswer> {
  const read = await signer.run({ kind: 'request', csr: request.csr });
  if (!read.ok) throw new FleetFault('bad-request', read.why, { path: 'body.csr' });
  // Locked, so that of a renewal and a revocation at once one comes after the other.
  const known = await tx.selectFrom('device').select(['spki_hash', 'status']).where('id', '=', device.device).forShare().executeTakeFirst();
  if (!known) throw new FleetFault('not-enrolled', 'no such device');
  if (known.status !== 'enrolled')
    throw new FleetFault(known.status === 'revoked' ? 'revoked' : 'not-enrolled', `the device is ${known.status}`);
  if (!createHash('sha256').update(read.spki).digest().equals(known.spki_hash)) {
    throw new FleetFault('bad-request', 'the CSR is for another key than the device was enrolled with', { path: 'body.csr' });
  }
  const { certificate } = await issueCertificate(authority, tx, { ...device, id: device.device }, read.spki, now);
  return { schema: 1, certificate };
}
