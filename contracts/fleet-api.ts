import { z } from 'zod';
import { EnforcerStatus } from './enforcer.ts';
import { CallActivity, GateState } from './gate.ts';
import { InstanceAlias, Region } from './instance.ts';
import { Platform, Report } from './report.ts';
import { SealedFault } from './sealing.ts';
import { MAX_REVISION, SignedDocument, VerificationKey } from './signed-document.ts';
import { Standing } from './verdict.ts';

// The device side of the fleet server: JSON over HTTP/1.1 and TLS. A desk shows its client certificate, except where it has none.

const Pem = (label: string, max: number) =>
  z
    .string()
    .max(max)
    .regex(new RegExp(`^-----BEGIN ${label}-----[A-Za-z0-9+/=\\r\\n]+-----END ${label}-----\\s*$`), `expected one ${label} in PEM`);

export const CertificatePem = Pem('CERTIFICATE', 16_000);
export const CsrPem = Pem('CERTIFICATE REQUEST', 16_000);

/**
 * `dw1.<secret>.<fingerprint>`. The secret is 32 bytes in base64url. The fingerprint is SHA-256 in base64url over the DER
 * of the fleet's CA certificate followed by the 32 raw bytes of its first signing key: what the desk trusts before it has
 * met the fleet.
 */
export const Ticket = z.string().regex(/^dw1\.[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/, 'expected dw1.<secret>.<fingerprint>');

/** `GET /device/v1/trust`, before the desk trusts anything: it believes what fits its ticket's fingerprint. */
export const TrustAnswer = z.strictObject({
  schema: z.literal(1),
  ca: CertificatePem,
  signingKeys: z.array(VerificationKey).min(1).max(16),
});
export type TrustAnswer = z.infer<typeof TrustAnswer>;

/** `POST /device/v1/enrol`. Asked again with the same CSR while `pending`: the same ticket use, the same answer in the end. */
export const EnrolRequest = z.strictObject({
  schema: z.literal(1),
  secret: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  csr: CsrPem,
  hostName: z.string().max(253),
  agent: z.strictObject({ version: z.string().max(50), platform: Platform }),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;

export const EnrolAnswer = z.discriminatedUnion('status', [
  /** A person or a rule must approve it first. */
  z.strictObject({ schema: z.literal(1), status: z.literal('pending'), retryAfterSec: z.int().min(1).max(86_400) }),
  z.strictObject({
    schema: z.literal(1),
    status: z.literal('enrolled'),
    device: z.uuid(),
    instance: z.strictObject({ alias: InstanceAlias, region: Region }),
    certificate: CertificatePem,
    /** Of this device's offline release (RFC 6238): 20 to 64 bytes in base64url. Null: none is offered. */
    releaseSecret: z
      .string()
      .regex(/^[A-Za-z0-9_-]{27,86}$/)
      .nullable(),
  }),
]);
export type EnrolAnswer = z.infer<typeof EnrolAnswer>;

/** `POST /device/v1/renew`, with the client certificate that is to be renewed, expired for at most 90 days; for the same key. */
export const RenewRequest = z.strictObject({ schema: z.literal(1), csr: CsrPem });
export type RenewRequest = z.infer<typeof RenewRequest>;
export const RenewAnswer = z.strictObject({ schema: z.literal(1), certificate: CertificatePem });
export type RenewAnswer = z.infer<typeof RenewAnswer>;

const Revision = z.int().nonnegative().max(MAX_REVISION);
const Revisions = z.strictObject({ policy: Revision, allowlist: Revision, waivers: Revision, sealing: Revision, keys: Revision });
export type Revisions = z.infer<typeof Revisions>;

/** `POST /device/v1/heartbeat`: every 5 min, every 15 s while not `clear`. */
export const Heartbeat = z.strictObject({
  schema: z.literal(1),
  sentAt: z.iso.datetime(),
  agent: z.strictObject({ version: z.string().max(50), platform: Platform }),
  standing: Standing,
  gate: z.strictObject({
    mode: z.enum(['observe', 'enforce']),
    state: GateState,
    wouldBe: GateState,
    activity: CallActivity,
    enforcers: z.array(EnforcerStatus).max(5),
  }),
  /** Revisions of what the desk obeys; 0 for none. */
  held: Revisions,
  /** Documents that the desk would not take, so that somebody hears of it. */
  refused: z.array(z.strictObject({ kind: z.string().max(20), code: z.string().max(40), detail: z.string().max(300) })).max(10),
  health: z.strictObject({
    upSec: z.int().nonnegative(),
    rssBytes: z.int().nonnegative(),
    /** Of one core, since the last heartbeat. */
    cpuShare: z.number().nonnegative(),
    longestCheckMs: z.int().nonnegative(),
    outbox: z.strictObject({ reports: z.int().nonnegative(), bytes: z.int().nonnegative(), dropped: z.int().nonnegative() }),
  }),
});
export type Heartbeat = z.infer<typeof Heartbeat>;

export const HeartbeatAnswer = z.strictObject({
  schema: z.literal(1),
  serverTime: z.iso.datetime(),
  /** Revisions that the fleet has for this desk. */
  latest: Revisions,
  /** The fleet lacks this desk's state: the next report is to be a full one. */
  wantFull: z.boolean(),
});
export type HeartbeatAnswer = z.infer<typeof HeartbeatAnswer>;

/** `GET /device/v1/documents/<kind>?after=<revision>`: the newest; of `keys` every rotation since, oldest first. */
export const DocumentsAnswer = z.strictObject({ schema: z.literal(1), documents: z.array(SignedDocument).max(200) });
export type DocumentsAnswer = z.infer<typeof DocumentsAnswer>;

/** `POST /device/v1/reports`, one report. Answered once it is stored; the same id again is answered alike and counts once. */
export const ReportRequest = Report;
export const ReportAnswer = z.strictObject({
  schema: z.literal(1),
  accepted: z.literal(true),
  /** Its sealed fields alone were not stored. */
  sealedFault: SealedFault.nullable(),
});
export type ReportAnswer = z.infer<typeof ReportAnswer>;

/** What any of these answers with when it is no 2xx. */
export const DeviceFaultCode = z.enum([
  'bad-request',
  'too-large',
  'not-enrolled',
  'revoked',
  'ticket-refused',
  'unsupported-schema',
  /** Another report has this `(epoch, seq)`: the desk begins a new epoch, as after a snapshot that was rolled back. */
  'sequence-taken',
  'slow-down',
  'unavailable',
  'internal',
]);
export type DeviceFaultCode = z.infer<typeof DeviceFaultCode>;

export const DeviceFault = z.strictObject({ error: z.strictObject({ code: DeviceFaultCode, detail: z.string().max(500) }) });
export type DeviceFault = z.infer<typeof DeviceFault>;
