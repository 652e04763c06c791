import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { certificateFacts, presentedCertificates, subjectNames } from '../host/certificate-chain.ts';
import { fault, type LinkFault } from './link-failure.ts';

/** Codes of OpenSSL's verification, as Node has them: somebody answered whom the fleet’s CA does not vouch for. */
const unknownIssuer = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'CERT_CHAIN_TOO_LONG',
  'INVALID_CA',
  'INVALID_PURPOSE',
];
const wrongTime = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'];
const wrongName = 'ERR_TLS_CERT_ALTNAME_INVALID';

export function isUntrusted(code: string): boolean {
  return unknownIssuer.includes(code) || wrongTime.includes(code) || code === wrongName;
}

export interface SeenCertificate {
  code: string;
  host: string;
  ca: string;
  /** Another connection to the same end; null when there was none to be had. */
  seen: TLSSocket | null;
  wallMs: number;
}

/** Why the certificate was refused, and who made it. */
export function tlsFault({ code, host, ca, seen, wallMs }: SeenCertificate): LinkFault {
  const chain = seen ? presentedCertificates(seen) : [];
  const [leaf] = chain;
  const top = chain.at(-1);
  if (!leaf || !top) return fault(kindOf(code), `the certificate of ${host} was refused: ${code}`).fault;
  if (code === wrongName) {
    return fault('tls-name', `the certificate is for ${subjectNames(leaf).join(', ') || 'no name'}, not for ${host}`).fault;
  }
  const { notBeforeMs, notAfterMs } = certificateFacts(leaf);
  // OpenSSL tells of the time before it tells of the chain.
  if (wrongTime.includes(code) && isBy(chain, ca)) {
    const life = `${new Date(notBeforeMs).toISOString()} to ${new Date(notAfterMs).toISOString()}`;
    return fault('clock', `the fleet’s certificate is valid from ${life}, and this desk has ${new Date(wallMs).toISOString()}`).fault;
  }
  const issuer = certificateFacts(top).issuer || 'nobody named';
  if (leaf.subject === leaf.issuer) return fault('tls-untrusted', `${host} shows a self-signed certificate (${issuer})`).fault;
  if (top.issuer === new X509Certificate(ca).subject) {
    return fault('tls-untrusted', `the fleet’s CA (${issuer}) has another key than when this desk was enrolled: enrol anew`).fault;
  }
  const remedy = 'the inspection of TLS must leave out the fleet’s host';
  return fault('tls-inspected', `the certificate of ${host} is issued by ${issuer}, not by the fleet’s own CA: ${remedy}`).fault;
}

function kindOf(code: string): 'clock' | 'tls-name' | 'tls-untrusted' {
  if (wrongTime.includes(code)) return 'clock';
  return code === wrongName ? 'tls-name' : 'tls-untrusted';
}

function isBy(chain: readonly X509Certificate[], caPem: string): boolean {
  const ca = new X509Certificate(caPem);
  return chain.some((link) => link.checkIssued(ca) && link.verify(ca.publicKey));
}
