import { X509Certificate } from 'node:crypto';
import { rootCertificates, type TLSSocket } from 'node:tls';
import type { AnchorKind, CertificateFacts, TlsFacts } from '../../checks/network/observations.ts';

/** Presented certificates kept, and links followed; public chains have three or four. */
const LONGEST_CHAIN = 8;
const LONGEST_NAME = 200;
const KEPT_NAMES = 8;
const LONGEST_HOST = 253;

export type Anchor = TlsFacts['anchor'];

export interface AnchorFinder {
  /** Leaf first. `trustedHere`: this computer's own store leads from the leaf to a trusted root. */
  find(certificates: readonly X509Certificate[], trustedHere: boolean): { anchor: Anchor; pathLength: number };
}

/** Leaf first, as presented; Node may append the issuer from its own store. */
export function presentedCertificates(socket: TLSSocket): X509Certificate[] {
  const certificates: X509Certificate[] = [];
  const seen = new Set<string>();
  let next = socket.getPeerCertificate(true);
  // The issuer of a self-signed certificate is itself.
  while (next?.raw && certificates.length < LONGEST_CHAIN) {
    const certificate = parse(next.raw);
    if (!certificate || seen.has(certificate.fingerprint256)) break;
    seen.add(certificate.fingerprint256);
    certificates.push(certificate);
    next = next.issuerCertificate;
  }
  return certificates;
}

/** Without a public root at the end: servers leave it out, and Node appends it from its own store. */
export function withoutAppendedRoot(certificates: readonly X509Certificate[]): X509Certificate[] {
  const last = certificates.at(-1);
  const appended = certificates.length > 1 && last !== undefined && isIssuedBy(last, last) && publicRoots().has(last);
  return appended ? certificates.slice(0, -1) : [...certificates];
}

export function createAnchorFinder(expectedPems: readonly string[]): AnchorFinder {
  const expected = indexRoots(expectedPems);
  return {
    find(certificates, trustedHere) {
      const linked = linkedPart(certificates);
      const [leaf] = linked;
      const top = linked.at(-1);
      const found = (anchor: Anchor, pathLength = certificates.length) => ({ anchor, pathLength });
      if (!leaf || !top) return found({ kind: 'unknown', name: '', sha256: null });
      const atRoot = (kind: AnchorKind, root: X509Certificate): Anchor => ({ kind, name: shortName(root.subject), sha256: sha256Of(root) });
      // Any link counts, not only the last: a server may present a cross-signed expected root and its other issuer.
      for (const [at, link] of linked.entries()) {
        const root = expected.rootOf(link);
        if (root) return found(atRoot('expected', root), at + 1);
      }
      if (linked.length === 1 && isSelfSigned(leaf)) return found(atRoot('self-signed-leaf', leaf));
      for (const [at, link] of linked.entries()) {
        const root = publicRoots().rootOf(link);
        if (root) return found(atRoot('public', root), at + 1);
      }
      const local: Anchor = isIssuedBy(top, top) ? atRoot('local', top) : { kind: 'local', name: shortName(top.issuer), sha256: null };
      if (trustedHere) return found(local);
      const issuerOrg = partOf(top.issuer, 'O');
      const kind = certificates.length === 1 && issuerOrg !== '' && expected.organisations.has(issuerOrg) ? 'incomplete' : 'unknown';
      return found({ kind, name: shortName(top.issuer), sha256: null });
    },
  };
}

export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  return {
    subject: longName(certificate.subject),
    subjectOrg: partOf(certificate.subject, 'O'),
    issuer: longName(certificate.issuer),
    issuerOrg: partOf(certificate.issuer, 'O'),
    sha256: sha256Of(certificate),
    notBeforeMs: Date.parse(certificate.validFrom) || 0,
    notAfterMs: Date.parse(certificate.validTo) || 0,
    selfSigned: isSelfSigned(certificate),
  };
}

/** DNS names and addresses the certificate is valid for. */
export function subjectNames(certificate: X509Certificate): string[] {
  return (certificate.subjectAltName ?? '')
    .split(', ')
    .map((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1])
    .filter((name) => name !== undefined)
    .slice(0, KEPT_NAMES)
    .map((name) => cleaned(name).slice(0, LONGEST_HOST));
}

/** The certificates that verifiably sign each other, from the leaf up; a name alone is no link. */
function linkedPart(certificates: readonly X509Certificate[]): X509Certificate[] {
  const linked = certificates.slice(0, 1);
  for (const issuer of certificates.slice(1)) {
    const below = linked.at(-1);
    // A certificate that is not a CA's could otherwise be lent by its owner to vouch for any other name.
    if (!below || !issuer.ca || !isIssuedBy(below, issuer)) break;
    linked.push(issuer);
  }
  return linked;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    // A key type this OpenSSL does not know verifies nothing.
    return false;
  }
}

/** `checkIssued` says no for a server's own certificate, whose key is not for signing others. */
function isSelfSigned(certificate: X509Certificate): boolean {
  try {
    return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
  } catch {
    return false;
  }
}

interface RootIndex {
  has(certificate: X509Certificate): boolean;
  /** The root that this certificate is, or that issued it. */
  rootOf(certificate: X509Certificate): X509Certificate | undefined;
  organisations: ReadonlySet<string>;
}

function indexRoots(pems: readonly string[]): RootIndex {
  const bySubject = new Map<string, X509Certificate[]>();
  const fingerprints = new Set<string>();
  const organisations = new Set<string>();
  for (const pem of pems) {
    const root = parse(pem);
    if (!root) continue;
    fingerprints.add(root.fingerprint256);
    organisations.add(partOf(root.subject, 'O'));
    bySubject.set(root.subject, [...(bySubject.get(root.subject) ?? []), root]);
  }
  const has = (certificate: X509Certificate) => fingerprints.has(certificate.fingerprint256);
  return {
    has,
    rootOf: (certificate) =>
      has(certificate) ? certificate : bySubject.get(certificate.issuer)?.find((root) => isIssuedBy(certificate, root)),
    organisations,
  };
}

let publicIndex: RootIndex | undefined;

function publicRoots(): RootIndex {
  publicIndex ??= indexRoots(rootCertificates);
  return publicIndex;
}

function parse(certificate: string | Buffer): X509Certificate | null {
  try {
    return new X509Certificate(certificate);
  } catch {
    return null;
  }
}

function sha256Of(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '');
}

/** Node writes a name as one `KEY=value` a line, with RFC 2253 escapes. */
function partOf(name: string | undefined, key: 'CN' | 'O'): string {
  const line = (name ?? '').split('\n').find((part) => part.startsWith(`${key}=`));
  return line === undefined ? '' : cleaned(line.slice(key.length + 1)).slice(0, LONGEST_NAME);
}

function shortName(name: string | undefined): string {
  return partOf(name, 'CN') || partOf(name, 'O');
}

function longName(name: string | undefined): string {
  const parts = (['CN', 'O'] as const).map((key) => [key, partOf(name, key)] as const).filter(([, value]) => value !== '');
  return parts
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')
    .slice(0, LONGEST_NAME);
}

function cleaned(text: string): string {
  return text.replace(/\\([,+"\\<>;=# ])/g, '$1').replace(/\p{C}/gu, '');
}
