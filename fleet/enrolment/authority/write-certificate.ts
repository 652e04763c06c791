import { type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';
import type { CertificateOrder, Issuer } from './signing-job.ts';

/** GeneralName (RFC 5280 section 4.2.1.6). */
const DNS_NAME = 2;
const URI_NAME = 6;
const IP_NAME = 7;

export function writeCertificate({ subject, spki, serial, notBefore, notAfter, use }: CertificateOrder, issuer: Issuer): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(toPem(spki));
  certificate.serialNumber = serial;
  certificate.validity.notBefore = notBefore;
  certificate.validity.notAfter = notAfter;
  const named = [{ name: 'commonName', value: subject }];
  certificate.setSubject(named);
  const above = issuer.certificate === null ? certificate : forge.pki.certificateFromPem(issuer.certificate);
  certificate.setIssuer(above.subject.attributes);
  certificate.setExtensions([...extensionsOf(use), authorityKeyOf(above)]);
  return signed(certificate, issuer.key);
}

function toPem(spki: Uint8Array): string {
  return `-----BEGIN PUBLIC KEY-----\n${Buffer.from(spki).toString('base64')}\n-----END PUBLIC KEY-----\n`;
}

function authorityKeyOf(above: forge.pki.Certificate): object {
  return { name: 'authorityKeyIdentifier', keyIdentifier: above.generateSubjectKeyIdentifier().getBytes() };
}

function extensionsOf(use: CertificateOrder['use']): object[] {
  switch (use.kind) {
    case 'authority':
      return [
        { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
        { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
        { name: 'subjectKeyIdentifier' },
      ];
    case 'device':
      return [
        { name: 'basicConstraints', critical: true, cA: false },
        { name: 'keyUsage', critical: true, digitalSignature: true },
        { name: 'extKeyUsage', clientAuth: true },
        { name: 'subjectAltName', altNames: [{ type: URI_NAME, value: use.uri }] },
      ];
    case 'server':
      return [
        { name: 'basicConstraints', critical: true, cA: false },
        { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
        { name: 'extKeyUsage', serverAuth: true },
        {
          name: 'subjectAltName',
          altNames: use.names.map((name) => (isIP(name) === 0 ? { type: DNS_NAME, value: name } : { type: IP_NAME, ip: name })),
        },
      ];
  }
}

/** Forge lays the certificate out, OpenSSL signs it: RSA-3072 takes forge about a hundred times as long. */
function signed(certificate: forge.pki.Certificate, key: KeyObject): string {
  const unsigned = { sign: () => '' } as unknown as forge.pki.rsa.PrivateKey;
  certificate.sign(unsigned, forge.md.sha256.create());
  const body = Buffer.from(forge.asn1.toDer(certificate.tbsCertificate).getBytes(), 'latin1');
  certificate.signature = sign('sha256', body, key).toString('latin1');
  return forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n');
}
