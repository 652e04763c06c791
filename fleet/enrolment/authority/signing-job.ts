import type { KeyObject } from 'node:crypto';

/** What a certificate is to be; times are cut to seconds. */
export interface CertificateOrder {
  subject: string;
  /** SubjectPublicKeyInfo in DER. */
  spki: Uint8Array;
  /** Hex, positive. */
  serial: string;
  notBefore: Date;
  notAfter: Date;
  use: { kind: 'authority' } | { kind: 'device'; uri: string } | { kind: 'server'; names: readonly string[] };
}

export interface Issuer {
  /** Null: the certificate that is ordered is the issuer's own. */
  certificate: string | null;
  key: KeyObject;
}

export type SigningJob = { kind: 'certificate'; order: CertificateOrder; issuer: Issuer } | { kind: 'request'; csr: string };

/** The key that a request is for, in DER; or why the request is none that we take. */
export type ReadRequest = { ok: true; spki: Uint8Array } | { ok: false; why: string };

export interface SigningResults {
  /** In PEM. */
  certificate: string;
  request: ReadRequest;
}

export interface Numbered {
  id: number;
  job: SigningJob;
}
export type SigningAnswer = { id: number; value: unknown } | { id: number; error: string };
