import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import type { Keyring } from '../../crypto/keyring.ts';
import { type Db, NIL_ID } from '../../db/tenancy.ts';
import { deviceUri } from '../device-uri.ts';
import type { Signer } from './signer.ts';
import type { CertificateOrder } from './signing-job.ts';

const NAME = 'Deskwarden Fleet CA';
const RSA_BITS = 3_072;
const YEAR_MS = 365 * 24 * 60 * 60_000;
/** Desks pin the CA and know no way to another one but to enrol anew. */
const AUTHORITY_LIFE_MS = 20 * YEAR_MS;
const DEVICE_LIFE_MS = 7 * 24 * 60 * 60_000;
/** Clocks of desks are wrong by minutes. */
const BACKDATED_MS = 5 * 60_000;

const DEPLOYMENT = { tenant: NIL_ID, instance: NIL_ID };
const keyPlace = { table: 'authority', row: NIL_ID, field: 'key_sealed' };

export interface Issued {
  /** In PEM. */
  certificate: string;
  /** As Node writes it: upper-case hex. */
  serial: string;
  notBefore: Date;
  notAfter: Date;
}

/** The deployment's own CA. */
export interface Authority {
  /** Its certificate, in PEM. */
  certificate: string;
  issueDevice(device: { id: string; tenant: string; instance: string }, spki: Uint8Array, now: Date): Promise<Issued>;
  issueServer(names: readonly string[], spki: Uint8Array, lifeMs: number, now: Date): Promise<Issued>;
  /** By its key, and not only by its name. */
  hasIssued(certificate: X509Certificate): boolean;
}

export interface AuthorityDeps {
  db: Db;
  keyring: Keyring;
  signer: Signer;
  now: () => Date;
}

/** The CA that the database holds; the first server that comes makes it, and of two that come at once one does. */
export async function openAuthority({ db, keyring, signer, now }: AuthorityDeps): Promise<Authority> {
  const held = (await load()) ?? (await create());
  const ca = new X509Certificate(held.certificate);
  if (!ca.checkPrivateKey(held.key)) throw new Error('the key of the CA in the database is not the one of its certificate');
  const { publicKey } = ca;

  async function load(): Promise<{ certificate: string; key: KeyObject } | null> {
    return db.within(DEPLOYMENT, async (tx) => {
      const row = await tx.selectFrom('authority').select(['certificate', 'key_sealed']).executeTakeFirst();
      if (!row) return null;
      const key = await keyring.open(tx, DEPLOYMENT, 'secrets', keyPlace, row.key_sealed);
      return { certificate: row.certificate, key: createPrivateKey({ key, format: 'der', type: 'pkcs8' }) };
    });
  }

  async function create(): Promise<{ certificate: string; key: KeyObject }> {
    const { privateKey: key, spki } = await newKey();
    const at = now();
    const order: CertificateOrder = {
      subject: NAME,
      spki,
      serial: newSerial(),
      notBefore: before(at),
      notAfter: new Date(at.getTime() + AUTHORITY_LIFE_MS),
      use: { kind: 'authority' },
    };
    const certificate = await signer.run({ kind: 'certificate', order, issuer: { certificate: null, key } });
    await db.within(DEPLOYMENT, async (tx) => {
      const dataKey = await keyring.key(tx, DEPLOYMENT, 'secrets');
      const key_sealed = dataKey.seal(keyPlace, key.export({ type: 'pkcs8', format: 'der' }));
      const row = { tenant_id: NIL_ID, instance_id: NIL_ID, certificate, key_sealed, created_at: at };
      await tx
        .insertInto('authority')
        .values(row)
        .onConflict((conflict) => conflict.column('tenant_id').doNothing())
        .execute();
    });
    // Another server's may have been there first.
    const stored = await load();
    if (!stored) throw new Error('the CA was stored and is not there');
    return stored;
  }

  async function issue(order: Omit<CertificateOrder, 'serial' | 'notBefore' | 'notAfter'>, lifeMs: number, at: Date): Promise<Issued> {
    const life = { serial: newSerial(), notBefore: before(at), notAfter: wholeSeconds(at.getTime() + lifeMs) };
    const issuer = { certificate: held.certificate, key: held.key };
    const certificate = await signer.run({ kind: 'certificate', order: { ...order, ...life }, issuer });
    return { certificate, ...life };
  }

  return {
    certificate: held.certificate,
    issueDevice: (device, spki, at) =>
      issue({ subject: device.id, spki, use: { kind: 'device', uri: deviceUri(device) } }, DEVICE_LIFE_MS, at),
    issueServer: (names, spki, lifeMs, at) => issue({ subject: names[0] ?? 'fleet', spki, use: { kind: 'server', names } }, lifeMs, at),
    hasIssued: (certificate) => certificate.checkIssued(ca) && certificate.verify(publicKey),
  };
}

export async function newKey(): Promise<{ privateKey: KeyObject; spki: Buffer }> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS });
  return { privateKey, spki: createPublicKey(privateKey).export({ type: 'spki', format: 'der' }) };
}

/** 128 random bits; the byte before them keeps the number positive, and as long in every writing. */
function newSerial(): string {
  return `01${randomBytes(16).toString('hex')}`.toUpperCase();
}

function before(at: Date): Date {
  return wholeSeconds(at.getTime() - BACKDATED_MS);
}

function wholeSeconds(ms: number): Date {
  return new Date(Math.floor(ms / 1_000) * 1_000);
}
