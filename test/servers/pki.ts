import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import forge from 'node-forge';

export interface Issued {
  certPem: string;
  keyPem: string;
}

export interface Subject {
  commonName: string;
  organisation?: string;
  /** DNS names, or IPv4 addresses. */
  names?: readonly string[];
  isCa?: boolean;
  notBefore?: Date;
  notAfter?: Date;
}

const DAY_MS = 86_400_000;

/** RSA 2048; key generation is the costly part, so that leaves share one key. */
export function newKeyPem(): string {
  return generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;
}

let serial = 1;

/** A certificate signed by `issuer`, or by itself. */
export function issue(subject: Subject, keyPem: string, issuer?: Issued): Issued {
  const key = forge.pki.privateKeyFromPem(keyPem);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  serial += 1;
  certificate.serialNumber = `01${serial.toString(16).padStart(14, '0')}`;
  certificate.validity.notBefore = subject.notBefore ?? new Date(Date.now() - DAY_MS);
  certificate.validity.notAfter = subject.notAfter ?? new Date(Date.now() + 30 * DAY_MS);
  const attributes = [{ name: 'commonName', value: subject.commonName }];
  if (subject.organisation) attributes.push({ name: 'organizationName', value: subject.organisation });
  certificate.setSubject(attributes);
  certificate.setIssuer(issuer ? forge.pki.certificateFromPem(issuer.certPem).subject.attributes : attributes);
  const altNames = (subject.names ?? []).map((name) => (/^[\d.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name }));
  certificate.setExtensions([
    { name: 'basicConstraints', cA: subject.isCa ?? false },
    ...(altNames.length > 0 ? [{ name: 'subjectAltName', altNames }] : []),
  ]);
  certificate.sign(issuer ? forge.pki.privateKeyFromPem(issuer.keyPem) : key, forge.md.sha256.create());
  return { certPem: forge.pki.certificateToPem(certificate), keyPem };
}

export function sha256Of(certPem: string): string {
  return new X509Certificate(certPem).fingerprint256.replaceAll(':', '');
}

export interface Pki {
  root: Issued;
  intermediate: Issued;
  foreignRoot: Issued;
  leafKeyPem: string;
  /** A leaf of the intermediate. */
  leaf(subject?: Partial<Subject>): Issued;
}

export const HOST = 'desk.example.test';

export function makePki(): Pki {
  const root = issue({ commonName: 'Example Root', organisation: 'Example Trust', isCa: true }, newKeyPem());
  const intermediate = issue({ commonName: 'Example Issuing', organisation: 'Example Trust', isCa: true }, newKeyPem(), root);
  const foreignRoot = issue({ commonName: 'Inspection CA', organisation: 'Inspector', isCa: true }, newKeyPem());
  const leafKeyPem = newKeyPem();
  return {
    root,
    intermediate,
    foreignRoot,
    leafKeyPem,
    leaf: (subject) => issue({ commonName: HOST, names: [HOST], ...subject }, leafKeyPem, intermediate),
  };
}
