import { KEY_BYTES } from './envelope.ts';
import { KeyUnavailable } from './key-provider.ts';

/** From the moment that a data key was unwrapped until no copy of it is left. */
const MAX_LIFE_MS = 5 * 60_000;
/** For how long whoever was given a key can count on it: a batch of intake is long done. */
const HOLD_MS = 30_000;
/** Of one unwrapping. Checked when a key is given out: a batch that is under way may finish. */
export const MAX_USES = 10_000;

/** A data key in plain, for a while. */
export interface PlainKey {
  readonly id: string;
  readonly tag: string;
  readonly createdAt: Date;
  /** The key that wrapped it. */
  readonly wrappedBy: string;
  /** Throws once it was wiped. */
  bytes(): Buffer;
  uses: number;
  wipe(): void;
}

export interface KeyCache {
  /** Null where it has to be unwrapped (again). */
  find(tag: string, id: string): PlainKey | null;
  /** Takes the buffer over, and wipes it when its time is up, whether or not it is ever given out. */
  keep(key: { id: string; tag: string; createdAt: Date; wrappedBy: string; plain: Buffer }): PlainKey;
  fresh(key: PlainKey): boolean;
  /** Whether anything is kept for a second caller. */
  readonly keeps: boolean;
  /** Wipes what is over its time. */
  sweep(): void;
  wipe(which?: (key: PlainKey) => boolean): void;
}

/** In memory alone. With 0 seconds nothing is given out twice. */
export function createKeyCache(cacheSeconds: number, monotonicMs: () => number): KeyCache {
  // Whoever is given a key last can still hold it for as long as anybody.
  const givenMs = Math.min(cacheSeconds * 1_000, MAX_LIFE_MS - HOLD_MS);
  const known = new Map<string, PlainKey>();
  const born = new Map<PlainKey, number>();

  const ageOf = (key: PlainKey) => monotonicMs() - (born.get(key) ?? Number.NEGATIVE_INFINITY);
  const fresh = (key: PlainKey) => ageOf(key) < givenMs && key.uses < MAX_USES;

  function keep({ plain, ...named }: Parameters<KeyCache['keep']>[0]): PlainKey {
    if (plain.length !== KEY_BYTES) throw new TypeError(`a data key has ${KEY_BYTES} bytes, and the provider gave ${plain.length}`);
    const slot = slotOf(named.tag, named.id);
    const key: PlainKey = {
      ...named,
      uses: 0,
      bytes() {
        if (ageOf(key) < givenMs + HOLD_MS) return plain;
        key.wipe();
        throw new KeyUnavailable(named.wrappedBy, 'wiped');
      },
      wipe() {
        plain.fill(0);
        born.delete(key);
        if (known.get(slot) === key) known.delete(slot);
      },
    };
    born.set(key, monotonicMs());
    if (givenMs > 0) known.set(slot, key);
    return key;
  }

  return {
    keeps: givenMs > 0,
    fresh,
    keep,
    find(tag, id) {
      const key = known.get(slotOf(tag, id));
      return key && fresh(key) ? key : null;
    },
    sweep() {
      for (const key of born.keys()) if (ageOf(key) >= givenMs + HOLD_MS) key.wipe();
    },
    wipe(which = () => true) {
      for (const key of born.keys()) if (which(key)) key.wipe();
    },
  };
}

function slotOf(tag: string, id: string): string {
  return `${tag} ${id}`;
}
