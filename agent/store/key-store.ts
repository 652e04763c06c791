import { join } from 'node:path';
import { z } from 'zod';
import { type DocumentClaims, KeySet, SignedDocument, type VerificationKey } from '../../contracts/signed-document.ts';
import { compareRevision, type Refusal, readDocument, refusal } from './read-document.ts';
import { openStateFile, type SetAside } from './state-file.ts';

/** A rotation a month for sixteen years; then a desk has to enrol anew. */
export const MAX_ROTATIONS = 200;

export interface TrustedKeys {
  /** Who may sign what comes in. */
  now(): readonly VerificationKey[];
  /** These, and those that were trusted before: who may have signed what is held. */
  ever(): readonly VerificationKey[];
}

export interface KeyStore extends TrustedKeys {
  /** Of the last rotation; 0 before the first. */
  revision(): number;
  /** Replaces the keys by those of a `keys` document that a key of now has signed. A desk that missed one needs it first. */
  accept(envelope: unknown): Promise<{ ok: true; value: KeySet } | Refusal>;
}

export interface KeyStoreSettings {
  dir: string;
  /** The keys that enrolment brought. */
  roots: readonly VerificationKey[];
  instance: DocumentClaims['instance'];
  onSetAside?: (report: SetAside) => void;
}

interface Trust {
  head: SignedDocument | null;
  now: readonly VerificationKey[];
  ever: readonly VerificationKey[];
}

/** Keeps every rotation since enrolment, since the last one alone would be signed by a key that nothing vouches for. */
export async function openKeyStore({ dir, roots, instance, onSetAside }: KeyStoreSettings): Promise<KeyStore> {
  const origin: Trust = { head: null, now: roots, ever: roots };
  const rotate = (trust: Trust, envelope: unknown) => rotated(trust, envelope, instance);

  function follow(chain: readonly SignedDocument[]): Trust | Refusal {
    let trust = origin;
    for (const document of chain) {
      const next = rotate(trust, document);
      if ('ok' in next) return next;
      trust = next.trust;
    }
    return trust;
  }

  const file = await openStateFile({
    path: join(dir, 'keys.json'),
    schema: z
      .array(SignedDocument)
      .max(MAX_ROTATIONS)
      .superRefine((chain, context) => {
        const end = follow(chain);
        if ('ok' in end) context.addIssue(`${end.code}: ${end.detail}`);
      }),
    fallback: [],
    onSetAside,
  });

  let chain = await file.read();
  const loaded = follow(chain);
  let trust = 'ok' in loaded ? origin : loaded;

  async function accept(envelope: unknown): Promise<{ ok: true; value: KeySet } | Refusal> {
    const next = rotate(trust, envelope);
    if ('ok' in next) return next;
    if (next.trust === trust) return { ok: true, value: next.value };
    if (chain.length === MAX_ROTATIONS || next.trust.head === null) return refusal('internal', `${MAX_ROTATIONS} rotations: enrol anew`);
    const longer = [...chain, next.trust.head];
    try {
      await file.write(longer);
    } catch (error) {
      return refusal('internal', `could not be stored: ${error instanceof Error ? error.message : 'unknown'}`);
    }
    chain = longer;
    trust = next.trust;
    return { ok: true, value: next.value };
  }

  let last: Promise<unknown> = Promise.resolve();
  return {
    now: () => trust.now,
    ever: () => trust.ever,
    revision: () => trust.head?.revision ?? 0,
    accept(envelope) {
      const turn = last.then(() => accept(envelope));
      last = turn;
      return turn;
    },
  };
}

function rotated(trust: Trust, envelope: unknown, instance: DocumentClaims['instance']): { trust: Trust; value: KeySet } | Refusal {
  const offered = readDocument(envelope, { kind: 'keys', schema: KeySet, instance }, trust.now);
  if (!offered.ok) return offered;
  const order = compareRevision(trust.head, offered.document);
  if (typeof order === 'object') return order;
  const { document, value } = offered;
  if (order === 'same') return { trust, value };
  return { trust: { head: document, now: value.keys, ever: [...trust.ever, ...value.keys] }, value };
}
