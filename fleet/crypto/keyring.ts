import { createHmac, randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Db, Tx } from '../db/tenancy.ts';
import { type DataKeyRow, isDue, type KeyClass, keepDataKey, readDataKey, takeDataKey } from './data-key-rows.ts';
import { keyIdOf, openEnvelope, SealBroken, sealEnvelope } from './envelope.ts';
import { currentKeyId, markKeyStatus, readCurrentHeld, regionOf } from './instance-key.ts';
import { createKeyCache, MAX_USES, type PlainKey } from './key-cache.ts';
import { type KeyCalls, keyCalls } from './key-calls.ts';
import { type KeyProvider, KeyProviderError, KeyUnavailable } from './key-provider.ts';
import { SERVICE, writeKeyUse } from './key-use.ts';
import { type DataClass, instanceArn, type KeyOwner, type Place, unambiguous } from './place.ts';

/** For one batch: seals until 10,000 values or 30 s are over, and then throws. */
export interface DataKey {
  id: string;
  seal(place: Place, plain: string | Uint8Array): Buffer;
}

/** Every call throws `KeyUnavailable` while the owner's key is out of use. */
export interface Keyring {
  key(tx: Tx, owner: KeyOwner, dataClass: DataClass): Promise<DataKey>;
  /** Throws `SealBroken` for what was moved or altered. */
  open(tx: Tx, owner: KeyOwner, dataClass: DataClass, place: Place, sealed: Uint8Array): Promise<Buffer>;
  /** By which a value is found without being readable: equal for equal values of one owner's field. The caller normalises. */
  index(tx: Tx, owner: KeyOwner, field: string, value: string): Promise<Buffer>;
}

/** For whoever started it. */
export interface OpenKeyring extends Keyring {
  /** Leaves no data key in memory, of one owner or at all. */
  wipe(owner?: KeyOwner): void;
  close(): void;
}

export interface KeyringDeps {
  provider: KeyProvider;
  /**
   * With connections of its own: new keys and records of key use are committed while the caller's transaction waits for
   * them, and must stay when that one rolls back.
   */
  db: Db;
  clock: () => Date;
  monotonicMs?: () => number;
  /** 0: each opening asks the provider. */
  cacheSeconds?: number;
  onFault?: (fault: SealBroken | KeyUnavailable, owner: KeyOwner) => void;
}

const SWEEP_MS = 1_000;
/** A refused key is asked for this seldom, so that a storm of calls makes no storm of refusals and their records. */
const REFUSED_FOR_MS = 1_000;
/** Another change of the key in each of them: never seen. */
const MAX_ATTEMPTS = 3;

export function createKeyring(deps: KeyringDeps): OpenKeyring {
  const { provider, db, clock, monotonicMs = () => performance.now(), cacheSeconds = 300, onFault = () => {} } = deps;
  const cache = createKeyCache(cacheSeconds, monotonicMs);
  const sealing = new Map<string, PlainKey>();
  const regions = new Map<string, string>();
  const refused = new Map<string, { error: KeyUnavailable; atMs: number }>();
  const under = new Map<string, Promise<PlainKey>>();
  const sweeper = setInterval(() => cache.sweep(), SWEEP_MS).unref();

  async function regionFor(tx: Tx, owner: KeyOwner): Promise<string> {
    const tag = tagOf(owner);
    const region = regions.get(tag) ?? (await regionOf(tx, owner));
    regions.set(tag, region);
    return region;
  }

  function callsFor(owner: KeyOwner, region: string): KeyCalls {
    const record: Parameters<typeof keyCalls>[0]['record'] = (use) => db.within(owner, (own) => writeKeyUse(own, use));
    return keyCalls({ provider, clock, owner, region, by: SERVICE, record });
  }

  const isOf = (owner: KeyOwner) => (key: PlainKey) => key.tag.startsWith(`${tagOf(owner)} `);

  /** Concurrent callers share one unwrapping, unless every one has to ask. */
  function shared(slot: string, work: () => Promise<PlainKey>): Promise<PlainKey> {
    if (!cache.keeps) return work();
    const running = under.get(slot);
    if (running) return running;
    const started = work().finally(() => under.delete(slot));
    under.set(slot, started);
    return started;
  }

  /** Runs a call to the provider; its refusal becomes the owner's status and, for a moment, the answer to everybody. */
  async function asking<T>(owner: KeyOwner, keyId: string | null, call: () => Promise<T>): Promise<T> {
    const slot = `${tagOf(owner)} ${keyId}`;
    const before = refused.get(slot);
    if (before && monotonicMs() - before.atMs < REFUSED_FOR_MS) throw before.error;
    try {
      const answer = await call();
      refused.delete(slot);
      return answer;
    } catch (error) {
      if (!(error instanceof KeyProviderError) || error.code === 'invalid-ciphertext') throw error;
      const unavailable = new KeyUnavailable(error.keyId, error.code);
      refused.set(slot, { error: unavailable, atMs: monotonicMs() });
      // A provider that does not answer has taken nothing back: what is cached bridges it.
      if (error.code !== 'unreachable') cache.wipe((key) => isOf(owner)(key) && key.wrappedBy === error.keyId);
      await markKeyStatus(db, owner, error.keyId, error.code);
      onFault(unavailable, owner);
      throw unavailable;
    }
  }

  async function unwrap(owner: KeyOwner, row: DataKeyRow, tag: string, calls: KeyCalls): Promise<PlainKey> {
    const plain = await asking(owner, row.wrapped_by, () => calls.decrypt(row.wrapped_by, row.wrapped));
    return cache.keep({ id: row.id, tag, createdAt: row.created_at, wrappedBy: row.wrapped_by, plain });
  }

  async function makeKey(owner: KeyOwner, keyClass: KeyClass, tag: string, calls: KeyCalls): Promise<PlainKey> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const keyId = await asking(owner, null, () => currentKeyId(db, owner, calls, clock()));
      const { plain, wrapped } = await asking(owner, keyId, () => calls.generateDataKey(keyId));
      const made: DataKeyRow = { id: randomUUID(), wrapped, wrapped_by: keyId, created_at: clock() };
      const kept = await db.within(owner, async (own) => {
        const current = await readCurrentHeld(own, owner);
        return current?.key_id === keyId ? keepDataKey(own, owner, keyClass, made) : null;
      });
      if (kept?.id === made.id) return cache.keep({ id: made.id, tag, createdAt: made.created_at, wrappedBy: keyId, plain });
      plain.fill(0);
      if (kept) return unwrap(owner, kept, tag, calls);
    }
    throw new Error("the owner's key changed with every attempt to make a data key");
  }

  /** A key with room for the uses of one unwrapping. */
  async function current(tx: Tx, owner: KeyOwner, keyClass: KeyClass): Promise<{ key: PlainKey; arn: string }> {
    const tag = `${tagOf(owner)} ${keyClass}`;
    const region = await regionFor(tx, owner);
    const arn = instanceArn(owner, region);
    const standing = sealing.get(tag);
    if (standing && cache.fresh(standing) && !isDue(standing.createdAt, keyClass, clock())) return { key: standing, arn };
    const key = await shared(tag, async () => {
      cache.sweep();
      const calls = callsFor(owner, region);
      const row = await db.within(owner, (own) => takeDataKey(own, owner, keyClass, clock()));
      const found = row ? (cache.find(tag, row.id) ?? (await unwrap(owner, row, tag, calls))) : await makeKey(owner, keyClass, tag, calls);
      if (cache.keeps) sealing.set(tag, found);
      return found;
    });
    return { key, arn };
  }

  async function opened(tx: Tx, owner: KeyOwner, dataClass: DataClass, place: Place, sealed: Uint8Array): Promise<Buffer> {
    const tag = `${tagOf(owner)} ${dataClass}`;
    const id = keyIdOf(place, sealed);
    const region = await regionFor(tx, owner);
    const key = cache.find(tag, id) ?? (await keyOf());
    try {
      key.uses += 1;
      return openEnvelope(key.bytes(), instanceArn(owner, region), place, sealed);
    } finally {
      if (!cache.keeps) key.wipe();
    }

    async function keyOf(): Promise<PlainKey> {
      cache.sweep();
      const row = await readDataKey(tx, owner, dataClass, id);
      if (!row) throw new SealBroken(place, 'was sealed under a key that this owner does not have');
      return shared(`${tag} ${id}`, () => unwrap(owner, row, tag, callsFor(owner, region))).catch((error) => {
        if (error instanceof KeyProviderError) throw new SealBroken(place, 'its data key was not wrapped for this owner');
        throw error;
      });
    }
  }

  return {
    async key(tx, owner, dataClass) {
      const { key, arn } = await current(tx, owner, dataClass).catch(altered);
      let seals = 0;
      return {
        id: key.id,
        seal(place, plain) {
          if (seals === MAX_USES) throw new RangeError(`one key for more than ${MAX_USES} values: take it anew for each batch`);
          const sealed = sealEnvelope({ id: key.id, plain: key.bytes() }, arn, place, plain);
          seals += 1;
          key.uses += 1;
          return sealed;
        },
      };
    },
    open: (tx, owner, dataClass, place, sealed) =>
      opened(tx, owner, dataClass, place, sealed).catch((error) => {
        if (error instanceof SealBroken) onFault(error, owner);
        throw error;
      }),
    async index(tx, owner, field, value) {
      const { key } = await current(tx, owner, 'index').catch(altered);
      try {
        key.uses += 1;
        return createHmac('sha256', key.bytes())
          .update(unambiguous([field, value]))
          .digest();
      } finally {
        if (!cache.keeps) key.wipe();
      }
    },
    wipe: (owner) => cache.wipe(owner && isOf(owner)),
    close() {
      clearInterval(sweeper);
      cache.wipe();
    },
  };
}

function tagOf({ tenant, instance }: KeyOwner): string {
  return `${tenant} ${instance}`;
}

/** Of a current key: someone altered its row, and nothing may be sealed under anything else meanwhile. */
function altered(error: unknown): never {
  throw error instanceof KeyProviderError ? new KeyUnavailable(error.keyId, error.code) : error;
}
