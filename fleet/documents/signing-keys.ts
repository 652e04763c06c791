import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { VerificationKey } from '../../contracts/signed-document.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { type Db, NIL_ID, type Tx } from '../db/tenancy.ts';

export interface SigningKey {
  kid: string;
  /** Of the public key, 32 bytes in base64url. */
  x: string;
  /** Of the first key 0; each rotation is one more, and each key is vouched for by the one before. */
  ordinal: number;
  /** Null: kept offline. */
  privateKey: KeyObject | null;
}

/** The keys of the deployment, as this process knows them: those that were, too, since instances follow one after the other. */
export interface SigningKeys {
  /** By ordinal. Never empty. */
  all(): readonly SigningKey[];
  /**
   * For enrolment: the first key alone. Tickets vouch for it whenever they were made, and rotations lead from it to the key
   * of now.
   */
  trusted(): VerificationKey[];
  /** Reads them again: another replica may have rotated. */
  refresh(): Promise<void>;
  /** From now on a new key signs, made here, or kept offline where its public part is given. */
  rotate(offline?: { x: string }): Promise<SigningKey>;
}

export interface SigningKeysSettings {
  db: Db;
  keyring: Keyring;
  now: () => Date;
}

const deployment = { tenant: NIL_ID, instance: NIL_ID };
const placeOf = (kid: string) => ({ table: 'signing_key', row: kid, field: 'private' });

/** Makes the first key where there is none; two replicas that start together agree on one. */
export async function openSigningKeys({ db, keyring, now }: SigningKeysSettings): Promise<SigningKeys> {
  let keys = await db.within(deployment, async (tx) => {
    const before = await load(tx, keyring);
    if (before.length > 0) return before;
    await insert(tx, keyring, newPair(), 0, now());
    return load(tx, keyring);
  });

  let reading: Promise<void> | null = null;
  function refresh(): Promise<void> {
    reading ??= db
      .within(deployment, (tx) => load(tx, keyring))
      .then((read) => {
        keys = read;
      })
      .finally(() => {
        reading = null;
      });
    return reading;
  }

  return {
    all: () => keys,
    trusted: () => keys.slice(0, 1).map(({ kid, x }) => ({ kid, x, kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' })),
    refresh,
    async rotate(offline) {
      const made = offline ? { x: offline.x, privateKey: null } : newPair();
      const kid = kidFor(made.x);
      VerificationKey.parse({ kid, x: made.x });
      keys = await db.within(deployment, async (tx) => {
        const held = await load(tx, keyring);
        if (held.some((key) => key.kid === kid)) throw new Error(`the key ${kid} has been in use already`);
        await insert(tx, keyring, made, held.length, now());
        await tx
          .updateTable('signing_key')
          .set({ retired_at: now() })
          .where('ordinal', '<', held.length)
          .where('retired_at', 'is', null)
          .execute();
        return load(tx, keyring);
      });
      const last = keys.at(-1);
      if (last?.kid !== kid) throw new Error('another rotation came first: look at the keys, then rotate again');
      return last;
    },
  };
}

interface Pair {
  x: string;
  privateKey: KeyObject | null;
}

function newPair(): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return { x, privateKey };
}

/** RFC 7638, so that nobody has to think of a name. */
function kidFor(x: string): string {
  return createHash('sha256')
    .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
    .digest('base64url');
}

async function insert(tx: Tx, keyring: Keyring, { x, privateKey }: Pair, ordinal: number, at: Date): Promise<void> {
  const kid = kidFor(x);
  const key = privateKey && (await keyring.key(tx, deployment, 'secrets'));
  const sealed = key && privateKey && key.seal(placeOf(kid), privateKey.export({ format: 'der', type: 'pkcs8' }));
  await tx
    .insertInto('signing_key')
    .values({
      tenant_id: NIL_ID,
      instance_id: NIL_ID,
      kid,
      public_x: x,
      private_sealed: sealed,
      ordinal,
      created_at: at,
    })
    // Somebody else was first: theirs counts.
    .onConflict((conflict) => conflict.columns(['tenant_id', 'ordinal']).doNothing())
    .execute();
}

async function load(tx: Tx, keyring: Keyring): Promise<SigningKey[]> {
  const rows = await tx.selectFrom('signing_key').selectAll().orderBy('ordinal').execute();
  const keys: SigningKey[] = [];
  for (const row of rows) keys.push(await toKey(tx, keyring, row));
  return keys;
}

async function toKey(
  tx: Tx,
  keyring: Keyring,
  row: { kid: string; public_x: string; ordinal: number; private_sealed: Buffer | null },
): Promise<SigningKey> {
  const { kid, public_x: x, ordinal, private_sealed: sealed } = row;
  if (sealed === null) return { kid, x, ordinal, privateKey: null };
  const der = await keyring.open(tx, deployment, 'secrets', placeOf(kid), sealed);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  if (createPublicKey(privateKey).export({ format: 'jwk' }).x !== x)
    throw new Error(`signing key ${kid}: its two parts do not belong together`);
  return { kid, x, ordinal, privateKey };
}
