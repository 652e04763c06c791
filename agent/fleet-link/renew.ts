import type { Enrolment } from '../../contracts/identity.ts';
import type { FleetClient } from './client.ts';
import { checkCertificate } from './device-certificate.ts';
import { newSigningRequest } from './device-key.ts';
import type { IdentityFile } from './identity.ts';
import type { Answer } from './link-failure.ts';

/** A new certificate for the same key, on the disk when this resolves. Rejects with a `StoreError`. */
export async function renew(client: FleetClient, file: IdentityFile, enrolled: Enrolment, wallMs: number): Promise<Answer<Enrolment>> {
  const answer = await client.renew({ schema: 1, csr: await newSigningRequest(enrolled.key) });
  if (!answer.ok) return answer;
  const { certificate } = answer.value;
  const usable = checkCertificate(certificate, enrolled.key, enrolled.trust.ca, wallMs);
  if (!usable.ok) return usable;
  const renewed = { ...enrolled, certificate };
  // The desk may have been enrolled anew meanwhile, by hand.
  await file.update((held) => (held.enrolled?.device === enrolled.device ? { ...held, enrolled: renewed, revokedAt: null } : held));
  return { ok: true, value: renewed };
}
