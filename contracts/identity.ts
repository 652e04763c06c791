import { z } from 'zod';
import { FleetUrl } from './config.ts';
import { CertificatePem, CsrPem, EnrolRequest } from './fleet-api.ts';
import { InstanceAlias, Region } from './instance.ts';
import { VerificationKey } from './signed-document.ts';

/** Whom a desk takes for its fleet, since a ticket vouched for it. */
export const FleetTrust = z.strictObject({
  server: FleetUrl,
  ca: CertificatePem,
  signingKeys: z.array(VerificationKey).min(1).max(16),
});
export type FleetTrust = z.infer<typeof FleetTrust>;

/** PKCS #8; an RSA-3072 key has about 2,500 characters. */
const PrivateKeyPem = z
  .string()
  .max(8_000)
  .regex(/^-----BEGIN PRIVATE KEY-----[A-Za-z0-9+/=\r\n]+-----END PRIVATE KEY-----\s*$/, 'expected one private key in PEM');

/** Kept before the fleet is first asked, so that a desk that dies in between asks again with the same key. */
export const PendingEnrolment = z.strictObject({
  trust: FleetTrust,
  key: PrivateKeyPem,
  csr: CsrPem,
  secret: EnrolRequest.shape.secret,
  /** What the fleet said last, and when (wall clock); null before its first word. */
  told: z.strictObject({ at: z.iso.datetime(), retryAfterSec: z.int().min(1).max(86_400) }).nullable(),
});
export type PendingEnrolment = z.infer<typeof PendingEnrolment>;

export const Enrolment = z.strictObject({
  trust: FleetTrust,
  key: PrivateKeyPem,
  certificate: CertificatePem,
  device: z.uuid(),
  instance: z.strictObject({ alias: InstanceAlias, region: Region }),
  releaseSecret: z.string().max(86).nullable(),
  enrolledAt: z.iso.datetime(),
});
export type Enrolment = z.infer<typeof Enrolment>;

/** `identity.json`: who this desk is to its fleet. A new enrolment takes the place of the old one when it is complete. */
export const Identity = z.strictObject({
  schema: z.literal(1),
  pending: PendingEnrolment.nullable(),
  enrolled: Enrolment.nullable(),
  /** The fleet said so. */
  revokedAt: z.iso.datetime().nullable(),
  /** Of which installation of a system this is the identity (SHA-256, hex); null where that could not be read. */
  image: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  /** The last ticket that was tried: its SHA-256, and how often the fleet refused it. */
  attempt: z.strictObject({ ticket: z.string().regex(/^[0-9a-f]{64}$/), at: z.iso.datetime(), refusals: z.int().nonnegative() }).nullable(),
});
export type Identity = z.infer<typeof Identity>;
