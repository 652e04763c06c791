import { createPrivateKey, generatePrime, sign } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';

const PRIME_BITS = 1_536;
const EXPONENT = 65_537n;

export interface DeskKey {
  /** PKCS #8 in PEM. */
  key: string;
  csr: string;
}

/**
 * As many RSA-3072 keys as there are pairs among a few primes: 64 primes make 2,016. Whoever knows two of the keys knows the
 * primes of both, so that they are good for a bench alone; a server cannot tell.
 */
export async function benchDeskKeys(count: number): Promise<DeskKey[]> {
  const primes: bigint[] = [];
  while ((primes.length * (primes.length - 1)) / 2 < count) {
    const prime = await promisify(generatePrime as PrimeAsBigInt)(PRIME_BITS, { bigint: true });
    if ((prime - 1n) % EXPONENT !== 0n) primes.push(prime);
  }
  const keys: DeskKey[] = [];
  for (const [index, p] of primes.entries()) {
    for (const q of primes.slice(0, index)) if (keys.length < count) keys.push(keyOf(p, q));
  }
  return keys;
}

type PrimeAsBigInt = (bits: number, options: { bigint: true }, done: (error: Error | null, prime: bigint) => void) => void;

function keyOf(p: bigint, q: bigint): DeskKey {
  const d = inverse(EXPONENT, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e: EXPONENT, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const jwk = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, base64url(value)]));
  const key = createPrivateKey({ format: 'jwk', key: { kty: 'RSA', ...jwk } });
  const request = forge.pki.createCertificationRequest();
  request.publicKey = forge.pki.setRsaPublicKey(big(numbers.n), big(EXPONENT));
  request.setSubject([{ name: 'commonName', value: 'deskwarden device' }]);
  // Forge lays the request out, OpenSSL signs it: forge would take a hundred times as long.
  request.sign({ sign: () => '' } as unknown as forge.pki.rsa.PrivateKey, forge.md.sha256.create());
  if (request.certificationRequestInfo === null) throw new Error('forge laid out no request');
  const said = Buffer.from(forge.asn1.toDer(request.certificationRequestInfo).getBytes(), 'latin1');
  request.signature = sign('sha256', said, key).toString('latin1');
  return {
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    csr: forge.pki.certificationRequestToPem(request).replaceAll('\r\n', '\n'),
  };
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [r, nextR, s, nextS] = [modulus, value % modulus, 0n, 1n];
  while (nextR !== 0n) {
    const quotient = r / nextR;
    [r, nextR, s, nextS] = [nextR, r - quotient * nextR, nextS, s - quotient * nextS];
  }
  return ((s % modulus) + modulus) % modulus;
}

function base64url(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
}

function big(value: bigint): forge.jsbn.BigInteger {
  return new forge.jsbn.BigInteger(value.toString(16), 16);
}
