import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';

export interface Key {
  privatePem: string;
  pair: forge.pki.rsa.KeyPair;
}

export interface Authority {
  key: Key;
  certificate: forge.pki.Certificate;
  certificatePem: string;
}

/** Milliseconds since the epoch. */
interface Life {
  from: number;
  until: number;
}

interface Name {
  commonName: string;
  organization?: string;
}

const DAY_MS = 24 * 60 * 60_000;
const generate = promisify(generateKeyPair);

export async function createKey(): Promise<Key> {
  const { privateKey, publicKey } = await generate('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const pair = { privateKey: forge.pki.privateKeyFromPem(privateKey), publicKey: forge.pki.publicKeyFromPem(publicKey) };
  return { privatePem: privateKey, pair };
}

/** A root, or an intermediate below `issuer`. Valid for ten years around now. */
export async function createAuthority(name: Name, now: number, issuer?: Authority): Promise<Authority> {
  const key = await createKey();
  const certificate = draft(name, key, { from: now - 365 * DAY_MS, until: now + 9 * 365 * DAY_MS }, issuer);
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' },
    ...authorityKeyOf(issuer),
  ]);
  return { key, certificate, certificatePem: sign(certificate, issuer?.key ?? key) };
}

export function issueLeaf(issuer: Authority, key: Key, host: string, life: Life): string {
  const certificate = draft({ commonName: host }, key, life, issuer);
  certificate.setExtensions([...leafExtensions(host), ...authorityKeyOf(issuer)]);
  return sign(certificate, issuer.key);
}

export function selfSign(key: Key, host: string, life: Life): string {
  const certificate = draft({ commonName: host }, key, life);
  certificate.setExtensions(leafExtensions(host));
  return sign(certificate, key);
}

function draft(name: Name, key: Key, life: Life, issuer?: Authority): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = key.pair.publicKey;
  // Random, so that no client sees one issuer use a number twice; the leading digit keeps it positive.
  certificate.serialNumber = `4${randomBytes(16).toString('hex').slice(1)}`;
  certificate.validity.notBefore = new Date(life.from);
  certificate.validity.notAfter = new Date(life.until);
  certificate.setSubject(attributes(name));
  certificate.setIssuer(issuer ? issuer.certificate.subject.attributes : attributes(name));
  return certificate;
}

function attributes({ commonName, organization }: Name): forge.pki.CertificateField[] {
  const named = [{ name: 'commonName', value: commonName }];
  return organization ? [{ name: 'organizationName', value: organization }, ...named] : named;
}

function leafExtensions(host: string): object[] {
  return [
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: [{ type: 2, value: host }] },
    { name: 'subjectKeyIdentifier' },
  ];
}

function authorityKeyOf(issuer: Authority | undefined): object[] {
  if (!issuer) return [];
  return [{ name: 'authorityKeyIdentifier', keyIdentifier: issuer.certificate.generateSubjectKeyIdentifier().getBytes() }];
}

function sign(certificate: forge.pki.Certificate, key: Key): string {
  certificate.sign(key.pair.privateKey, forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n');
}
