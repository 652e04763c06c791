import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

/** As the fleet's CA asks for it; about a second of one core, off the event loop. */
const RSA_BITS = 3_072;
/** The fleet names the device; what a desk says of itself here counts for nothing. */
const SUBJECT = [{ name: 'commonName', value: 'deskwarden device' }];

/** PKCS #8 in PEM. */
export async function newDeviceKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: RSA_BITS,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return privateKey;
}

/** A PKCS #10 request for a certificate of this key, in PEM. */
export async function newSigningRequest(keyPem: string): Promise<string> {
  const { default: forge } = await import('node-forge');
  const key = forge.pki.privateKeyFromPem(keyPem);
  const request = forge.pki.createCertificationRequest();
  request.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  request.setSubject(SUBJECT);
  request.sign(key, forge.md.sha256.create());
  return forge.pki.certificationRequestToPem(request).replaceAll('\r\n', '\n');
}
