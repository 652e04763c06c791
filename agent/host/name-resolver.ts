import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '../../checks/host.ts';
import type { NameAnswer, NameCode } from '../../checks/network/observations.ts';
import { bounded } from './bounded.ts';
import type { Deadlines } from './deadlines.ts';
import { nameCodeOf } from './fail-kind.ts';
import type { Slots } from './slots.ts';
import type { Asked, SystemAnswer, SystemLookup } from './system-lookup.ts';

const KEPT_ADDRESSES = 16;
const KEPT_SERVERS = 8;
const LONGEST_NAME = 253;

export interface NameResolverParts {
  /** `address` or `address:port`; the computer's own where null. */
  servers: readonly string[] | null;
  system: SystemLookup | null;
  deadlines: Deadlines;
  signal: AbortSignal;
  slots: Slots;
  clock: Clock;
}

export interface HostAddresses {
  addresses: string[];
  code: NameCode;
  tookMs: number;
}

export interface NameResolver {
  resolve(name: string, family: 4 | 6): Promise<NameAnswer>;
}

export function createNameResolver(parts: NameResolverParts): NameResolver {
  return {
    async resolve(name, family) {
      if (isIP(name) !== 0) return literal(name, family);
      const release = await parts.slots.take(1);
      const startedAt = parts.clock.monotonicMs();
      const asked = isAskable(name) ? (parts.system?.ask(name, family) ?? null) : null;
      const { servers, ...resolver } = await askServers(parts, name, family);
      const system = asked && (await waitForSystem(parts, asked, resolver.code === 'ok'));
      release();
      return {
        name,
        family,
        addresses: system !== null && system.addresses.length > 0 ? system.addresses.slice(0, KEPT_ADDRESSES) : resolver.addresses,
        resolver,
        system,
        servers,
        tookMs: parts.clock.monotonicMs() - startedAt,
      };
    },
  };
}

/** The addresses to connect to: IPv4, and IPv6 only where the name exists without an IPv4 address. */
export async function addressesOf(resolve: NameResolver['resolve'], host: string): Promise<HostAddresses> {
  const v4 = await resolve(host, 4);
  // After silence or a refusal the second question would only be met with the same, seconds later.
  if (v4.addresses.length > 0 || !['ok', 'no-data', 'not-found'].includes(v4.resolver.code)) {
    return { addresses: v4.addresses, code: v4.resolver.code, tookMs: v4.tookMs };
  }
  const v6 = await resolve(host, 6);
  const code = v6.addresses.length > 0 ? v6.resolver.code : v4.resolver.code;
  return { addresses: v6.addresses, code, tookMs: v4.tookMs + v6.tookMs };
}

function literal(address: string, family: 4 | 6): NameAnswer {
  const addresses = isIP(address) === family ? [address] : [];
  const code: NameCode = addresses.length > 0 ? 'ok' : 'no-data';
  return { name: address, family, addresses, resolver: { code, addresses, total: addresses.length }, system: null, servers: [], tookMs: 0 };
}

function isAskable(name: string): boolean {
  return name.length > 0 && name.length <= LONGEST_NAME;
}

interface ServersAnswer {
  code: NameCode;
  addresses: string[];
  total: number;
  servers: string[];
}

async function askServers(parts: NameResolverParts, name: string, family: 4 | 6): Promise<ServersAnswer> {
  const { deadlines, signal } = parts;
  const resolver = new Resolver({ timeout: deadlines.resolverTryMs, tries: 2 });
  if (parts.servers) resolver.setServers([...parts.servers]);
  const servers = resolver.getServers().slice(0, KEPT_SERVERS);
  if (!isAskable(name)) return { code: 'malformed', addresses: [], total: 0, servers };
  const ending = await bounded<string[]>({ ms: deadlines.resolverMs, signal }, (settle, fail) => {
    (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name)).then(settle, fail);
    return (succeeded) => {
      if (!succeeded) resolver.cancel();
    };
  });
  if (!ending.ok) return { code: nameCodeOf(ending.error), addresses: [], total: 0, servers };
  // A loop of CNAMEs ends in an empty answer without an error.
  const code = ending.value.length > 0 ? 'ok' : 'malformed';
  return { code, addresses: ending.value.slice(0, KEPT_ADDRESSES), total: ending.value.length, servers };
}

async function waitForSystem(parts: NameResolverParts, asked: Asked, haveAddresses: boolean): Promise<SystemAnswer | null> {
  // The grace starts when the child is up, else the first names of a run would always miss the system's answer.
  if (haveAddresses) await Promise.race([asked.ready, asked.answer]);
  const ms = haveAddresses ? parts.deadlines.systemGraceMs : parts.deadlines.systemLookupMs;
  const ending = await bounded<SystemAnswer | null>({ ms, signal: parts.signal }, (settle, fail) => {
    asked.answer.then(settle, fail);
    return () => {};
  });
  return ending.ok ? ending.value : null;
}
