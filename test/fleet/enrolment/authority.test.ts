import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import forge from 'node-forge';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificatePem, CsrPem } from '../../../contracts/fleet-api.ts';
import type { Authority } from '../../../fleet/enrolment/authority/authority.ts';
import { readRequest } from '../../../fleet/enrolment/authority/read-request.ts';
import { openServerCertificate } from '../../../fleet/enrolment/authority/server-certificate.ts';
import { createSigner, type Signer } from '../../../fleet/enrolment/authority/signer.ts';
import { signingThread } from '../../../fleet/enrolment/authority/signing-thread.ts';
import { writeCertificate } from '../../../fleet/enrolment/authority/write-certificate.ts';
import { type DeskKey, deskKeys } from './desk-keys.ts';

const DAY_MS = 24 * 60 * 60_000;

let desk: DeskKey;
let otherKey: string;
let signer: Signer;
beforeAll(async () => {
  signer = createSigner(signingThread());
  const [first, second] = await deskKeys(2);
  if (!first || !second) throw new Error('no keys');
  desk = first;
  otherKey = second.key;
});
afterAll(() => signer?.close());

/** A request by forge for any key, with what `change` does to it before it is signed. */
function requestOf(
  keyPem: string,
  change: (request: forge.pki.CertificateSigningRequest) => void = () => {},
  md: forge.md.MessageDigest = forge.md.sha256.create(),
): string {
  const key = forge.pki.privateKeyFromPem(keyPem);
  const request = forge.pki.createCertificationRequest();
  request.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  request.setSubject([{ name: 'commonName', value: 'any' }]);
  change(request);
  request.sign(key, md);
  return forge.pki.certificationRequestToPem(request).replaceAll('\r\n', '\n');
}

function rsaPem(modulusLength: number, publicExponent = 65_537): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength, publicExponent });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

const pem = (der: Buffer) => `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;

describe('a stranger’s signing request', () => {
  it('is taken when it is signed by its own RSA key of 3,072 bits', async () => {
    const read = await signer.run({ kind: 'request', csr: desk.csr });
    const spki = createPublicKey(desk.key).export({ type: 'spki', format: 'der' });
    expect(read.ok && Buffer.from(read.spki).equals(spki)).toBe(true);
  });

  it('is refused for a short key, an odd exponent, an old hash, and a key that did not sign it', () => {
    const strange = requestOf(desk.key, (request) => {
      const foreign = forge.pki.privateKeyFromPem(otherKey);
      request.publicKey = forge.pki.setRsaPublicKey(foreign.n, foreign.e);
    });
    const why = [requestOf(rsaPem(2_048)), requestOf(rsaPem(3_072, 3)), requestOf(desk.key, () => {}, forge.md.sha1.create()), strange].map(
      (csr) => {
        const read = readRequest(csr);
        return read.ok ? 'taken' : read.why;
      },
    );
    expect(why).toEqual([
      'the CSR needs an RSA key of 3072 bits or more',
      'the CSR has an RSA exponent other than 65537',
      'the CSR is signed by neither SHA-256, SHA-384 nor SHA-512 with RSA',
      'the CSR is not signed by its own key',
    ]);
  });

  it('is refused when one byte of it differs, or asks for the very same: the encoding of its algorithm is not signed', () => {
    const der = Buffer.from(desk.csr.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const asked = readRequest(desk.csr);
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const altered = Buffer.from(der);
        altered[at] = (altered[at] ?? 0) ^ flip;
        const read = readRequest(pem(altered));
        return !read.ok || isDeepStrictEqual(read, asked);
      }),
      { numRuns: 300 },
    );
  });

  it('is garbage at worst: nothing that the API lets through throws', () => {
    const nested = Buffer.concat([...Array.from({ length: 5_000 }, () => Buffer.from([0x30, 0x80])), Buffer.from([0x05, 0x00])]);
    const huge = Buffer.concat([Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]), Buffer.alloc(100)]);
    for (const der of [nested, huge, Buffer.alloc(0), Buffer.alloc(11_000, 0x30)]) {
      expect(readRequest(pem(der)).ok).toBe(false);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const csr = pem(Buffer.from(bytes));
        return !CsrPem.safeParse(csr).success || !readRequest(csr).ok;
      }),
      { numRuns: 300 },
    );
  });
});

describe('the thread that signs', () => {
  const orderOf = (uri: string) => ({
    subject: 'device',
    spki: createPublicKey(desk.key).export({ type: 'spki', format: 'der' }),
    serial: '01AB',
    notBefore: new Date('2026-03-01T00:00:00Z'),
    notAfter: new Date('2026-03-08T00:00:00Z'),
    use: { kind: 'device' as const, uri },
  });
  const job = () => ({
    kind: 'certificate' as const,
    order: orderOf('urn:example'),
    issuer: { certificate: null, key: createPrivateKey(desk.key) },
  });

  it('writes what OpenSSL reads as it was ordered', async () => {
    const text = await signer.run(job());
    expect(CertificatePem.safeParse(text).success).toBe(true);
    const certificate = new X509Certificate(text);
    expect(certificate).toMatchObject({ subject: 'CN=device', serialNumber: '01AB', ca: false, subjectAltName: 'URI:urn:example' });
    expect(Date.parse(certificate.validTo)).toBe(Date.parse('2026-03-08T00:00:00Z'));
    expect(certificate.verify(createPublicKey(desk.key))).toBe(true);
  });

  it('survives a job that it cannot do, and refuses all when it is closed', async () => {
    const fragile = createSigner({ ...signingThread(), jobMs: 10_000 });
    try {
      await fragile.run(job());
      const impossible = fragile.run({ kind: 'certificate', order: null as never, issuer: null as never });
      await expect(impossible).rejects.toThrow(/could not be written/);
      expect(await fragile.run(job())).toContain('BEGIN CERTIFICATE');
    } finally {
      await fragile.close();
    }
    await expect(fragile.run(job())).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is replaced when it hangs or exits, and never holds a caller', async () => {
    const entry = (code: string) => new URL(`data:text/javascript,${encodeURIComponent(code)}`);
    const hanging = createSigner({
      entry: entry("import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { for (;;); });"),
      execArgv: [],
      jobMs: 300,
    });
    const dying = createSigner({
      entry: entry("import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => process.exit(1));"),
      execArgv: [],
    });
    const lame = createSigner({ entry: entry("throw new Error('no code')"), execArgv: [] });
    try {
      for (const one of [hanging, dying, lame]) {
        for (let round = 0; round < 2; round += 1) {
          await expect(one.run(job())).rejects.toMatchObject({ code: 'unavailable', place: { retryAfterSec: 15 } });
        }
      }
    } finally {
      await Promise.all([hanging.close(), dying.close(), lame.close()]);
    }
  });
});

describe('a listener’s certificate', () => {
  it('is renewed at two thirds of its life, and shown to whoever connects next', async () => {
    const caKey = createPrivateKey(otherKey);
    let passedMs = 0;
    const now = () => new Date(Date.now() + passedMs);
    const order = {
      subject: 'Example CA',
      spki: createPublicKey(caKey).export({ type: 'spki', format: 'der' }),
      serial: '01',
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + 1_000 * DAY_MS),
      use: { kind: 'authority' as const },
    };
    const ca = writeCertificate(order, { certificate: null, key: caKey });
    let serial = 1;
    const authority: Pick<Authority, 'issueServer'> = {
      async issueServer(names, spki, lifeMs) {
        serial += 1;
        const life = { serial: `0${serial}`, notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + lifeMs) };
        const made = { subject: 'server', spki, ...life, use: { kind: 'server' as const, names } };
        return { certificate: writeCertificate(made, { certificate: ca, key: caKey }), ...life };
      },
    };
    const server = createServer();
    const faults: unknown[] = [];
    const shown = await openServerCertificate({
      authority: authority as Authority,
      names: ['fleet.example.com', '127.0.0.1', '::1'],
      now,
      onRenew: (fresh) => server.setSecureContext(fresh),
      onFault: (error) => faults.push(error),
    });
    server.setSecureContext(shown.current());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const seen = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', ca }, () => {
          resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
          socket.end();
        }).on('error', reject);
      });
    try {
      expect(await seen()).toBe('02');
      passedMs = 20 * DAY_MS - 60_000;
      await shown.renewWhenDue();
      expect(await seen()).toBe('02');
      passedMs = 20 * DAY_MS + 60_000;
      await shown.renewWhenDue();
      expect(await seen()).toBe('03');
      expect(faults).toEqual([]);
    } finally {
      shown.close();
      await new Promise((resolve) => server.close(resolve));
    }
    // Two keys are made for it.
  }, 40_000);
});
