import { isIP } from 'node:net';
import { bounded } from '../../host/bounded.ts';
import { createSlots } from '../../host/slots.ts';

/** Names of AWS's load balancers have a time to live of 60 s. */
const ASK_EVERY_MS = 60_000;
/** While a host has no address yet. */
const ASK_AGAIN_MS = 15_000;
/** All hosts together. */
const ASK_WITHIN_MS = 3_000;
const ASKED_AT_ONCE = 8;
/** Browsers hold on to connections and answers; a load balancer's answers come round within minutes. */
const KEPT_MS = 60 * 60_000;
const MOST_HOSTS = 50;
const MOST_ADDRESSES = 64;

export interface HostAddresses {
  /** Asks again for the hosts when it is time to, and forgets all others. True when it asked. Never rejects. */
  refresh(hosts: readonly string[]): Promise<boolean>;
  /** What the host had in the last hour before its last answer: a name server that falls silent takes nothing away. */
  of(host: string): readonly string[];
  /** The last word on it was that no such name exists, and there never was an address: there is nothing to reach. */
  isNowhere(host: string): boolean;
}

export interface HostAddressesParts {
  /** Addresses of both families; none where the name does not exist. Rejects where that could not be told. */
  resolve: (host: string) => Promise<readonly string[]>;
  clock: { monotonicMs: () => number };
}

export function createHostAddresses({ resolve, clock }: HostAddressesParts): HostAddresses {
  /** When each address of a host was last seen. */
  const known = new Map<string, Map<string, number>>();
  const nowhere = new Set<string>();
  let askedAtMs = Number.NEGATIVE_INFINITY;

  function isDue(hosts: readonly string[]): boolean {
    if (hosts.some((host) => !known.has(host))) return true;
    const isComplete = hosts.every((host) => known.get(host)?.size || nowhere.has(host));
    return clock.monotonicMs() - askedAtMs >= (isComplete ? ASK_EVERY_MS : ASK_AGAIN_MS);
  }

  function learn(host: string, answer: readonly string[]): void {
    const addresses = answer.filter((address) => isIP(address) !== 0).slice(0, MOST_ADDRESSES);
    const seen = known.get(host);
    if (seen?.size === 0 && answer.length === 0) nowhere.add(host);
    if (!seen || addresses.length === 0) return;
    nowhere.delete(host);
    const nowMs = clock.monotonicMs();
    for (const address of addresses) {
      seen.delete(address);
      seen.set(address, nowMs);
    }
    for (const [address, atMs] of seen) if (nowMs - atMs > KEPT_MS || seen.size > MOST_ADDRESSES) seen.delete(address);
  }

  function forget(host: string): void {
    known.delete(host);
    nowhere.delete(host);
  }

  return {
    async refresh(all) {
      const hosts = all.slice(0, MOST_HOSTS);
      for (const host of known.keys()) if (!hosts.includes(host)) forget(host);
      if (hosts.length === 0 || !isDue(hosts)) return false;
      askedAtMs = clock.monotonicMs();
      for (const host of hosts) if (!known.has(host)) known.set(host, new Map());
      const signal = AbortSignal.timeout(ASK_WITHIN_MS);
      const slots = createSlots(ASKED_AT_ONCE, signal);
      await Promise.all(
        hosts.map(async (host) => {
          const release = await slots.take(1);
          const ending = await bounded<readonly string[]>({ ms: ASK_WITHIN_MS, signal }, (settle, fail) => {
            resolve(host).then(settle, fail);
            return () => {};
          });
          release();
          if (ending.ok) learn(host, ending.value);
        }),
      );
      return true;
    },
    of: (host) => [...(known.get(host)?.keys() ?? [])],
    isNowhere: (host) => nowhere.has(host),
  };
}
