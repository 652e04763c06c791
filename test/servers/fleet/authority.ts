import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import forge from 'node-forge';

export interface Held {
  certPem: string;
  keyPem: string;
}

export interface Validity {
  notBefore: Date;
  notAfter: Date;
}

/** Around every clock that a test sets. */
const ALWAYS: Validity = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2049-01-01T00:00:00Z') };

/** RSA 2048, since forge signs with nothing faster. */
function newKeyPem(): string {
  return generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;
}

function draft(
  publicKey: forge.pki.rsa.PublicKey,
  subject: string,
  issuer: forge.pki.CertificateField[] | null,
  { notBefore, notAfter }: Validity,
) {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  // The leading digit keeps it positive.
  certificate.serialNumber = `4${randomBytes(16).toString('hex').slice(1)}`;
  certificate.validity.notBefore = notBefore;
  certificate.validity.notAfter = notAfter;
  const named = [{ name: 'commonName', value: subject }];
  certificate.setSubject(named);
  certificate.setIssuer(issuer ?? named);
  return certificate;
}

function publicOf(keyPem: string): forge.pki.rsa.PublicKey {
  const { n, e } = forge.pki.privateKeyFromPem(keyPem);
  return forge.pki.setRsaPublicKey(n, e);
}

function signedBy(certificate: forge.pki.Certificate, keyPem: string): string {
  certificate.sign(forge.pki.privateKeyFromPem(keyPem), forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n');
}

export function newAuthority(name = 'Example Fleet CA'): Held {
  const keyPem = newKeyPem();
  const certificate = draft(publicOf(keyPem), name, null, ALWAYS);
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  return { keyPem, certPem: signedBy(certificate, keyPem) };
}

/** `names`: DNS names, or IPv4 addresses. */
export function issueServer(ca: Held, names: readonly string[], validity: Validity = ALWAYS): Held {
  const keyPem = newKeyPem();
  const issuer = forge.pki.certificateFromPem(ca.certPem);
  const certificate = draft(publicOf(keyPem), names[0] ?? '', issuer.subject.attributes, validity);
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: names.map((name) => (/^[\d.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name })) },
  ]);
  return { keyPem, certPem: signedBy(certificate, ca.keyPem) };
}

/** The public key that a request asks a certificate for, in PEM; null when its signature is not by that key. */
export function keyOfRequest(csrPem: string): string | null {
  try {
    const request = forge.pki.certificationRequestFromPem(csrPem);
    if (!request.verify() || request.publicKey === null) return null;
    return forge.pki.publicKeyToPem(request.publicKey as forge.pki.rsa.PublicKey);
  } catch {
    return null;
  }
}

/** A client certificate whose subject is the device's id. */
export function issueClient(ca: Held, publicKeyPem: string, device: string, validity: Validity): string {
  const issuer = forge.pki.certificateFromPem(ca.certPem);
  const certificate = draft(forge.pki.publicKeyFromPem(publicKeyPem), device, issuer.subject.attributes, validity);
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true },
    { name: 'extKeyUsage', clientAuth: true },
  ]);
  return signedBy(certificate, ca.keyPem);
}

export function isIssuedBy(certificate: X509Certificate, caPem: string): boolean {
  const ca = new X509Certificate(caPem);
  return certificate.checkIssued(ca) && certificate.verify(ca.publicKey);
}
