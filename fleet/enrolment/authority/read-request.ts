import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import forge from 'node-forge';
import type { ReadRequest } from './signing-job.ts';

/** What desks make has 3,072; a longer one costs every handshake more and is no safer for a week. */
const LEAST_RSA_BITS = 3_072;
const MOST_RSA_BITS = 4_096;
/** Another exponent is either weak or slow. */
const EXPONENT = 65_537n;

const hashes: Readonly<Record<string, string>> = {
  [oid('sha256WithRSAEncryption')]: 'sha256',
  [oid('sha384WithRSAEncryption')]: 'sha384',
  [oid('sha512WithRSAEncryption')]: 'sha512',
};

function oid(name: string): string {
  const found = forge.pki.oids[name];
  if (found === undefined) throw new Error(`no OID of ${name}`);
  return found;
}

/** A stranger's request: proven to come from whoever holds its key. What it says besides its key counts for nothing. Never throws. */
export function readRequest(csr: string): ReadRequest {
  let key: KeyObject;
  let isProven: boolean;
  try {
    const request = forge.pki.certificationRequestFromPem(csr);
    const { publicKey, certificationRequestInfo } = request;
    if (publicKey === null || certificationRequestInfo === null) return refused('has no RSA key');
    const hash = hashes[request.signatureOid ?? ''];
    if (hash === undefined) return refused('is signed by neither SHA-256, SHA-384 nor SHA-512 with RSA');
    key = createPublicKey(forge.pki.publicKeyToPem(publicKey));
    const wrong = unfit(key);
    if (wrong !== null) return refused(wrong);
    const said = Buffer.from(forge.asn1.toDer(certificationRequestInfo).getBytes(), 'latin1');
    isProven = verify(hash, said, key, Buffer.from(String(request.signature), 'latin1'));
  } catch {
    return refused('cannot be read');
  }
  if (!isProven) return refused('is not signed by its own key');
  return { ok: true, spki: key.export({ type: 'spki', format: 'der' }) };
}

function unfit(key: KeyObject): string | null {
  const { modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== 'rsa' || modulusLength < LEAST_RSA_BITS) return `needs an RSA key of ${LEAST_RSA_BITS} bits or more`;
  if (modulusLength > MOST_RSA_BITS) return `has an RSA key of more than ${MOST_RSA_BITS} bits`;
  return publicExponent === EXPONENT ? null : `has an RSA exponent other than ${EXPONENT}`;
}

function refused(why: string): ReadRequest {
  return { ok: false, why: `the CSR ${why}` };
}
