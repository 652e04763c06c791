/** Chromium reads no more of a list. */
export const MOST_LIST_ITEMS = 1_000;

export interface BlockPolicy {
  URLBlocklist: string[];
  CookiesBlockedForUrls: string[];
}

/** What of others' lists ours would replace, since Chromium takes the whole list from one file. */
export type CarriedLists = Partial<BlockPolicy>;

const HOST = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/;

/** The host in its one spelling; null for what no pattern could match: wildcards, schemes, ports, single labels. */
function plainHost(host: string): string | null {
  const plain = host.trim().toLowerCase().replace(/\.$/, '');
  return HOST.test(plain) && !/^[\d.]+$/.test(plain) ? plain : null;
}

/**
 * Null when there is no host to block, as an empty list closes nothing. The forms matter, since Chromium is silent about
 * patterns that match nothing (`*.example.com`, `wss://…`). `.host` is exactly this host, over every scheme and port, and
 * yields only to an entry of an URLAllowlist that is as exact. With its port, a cookie pattern outweighs every entry of
 * CookiesAllowedForUrls. All measured with Chromium 156.
 */
export function policyFor(hosts: readonly string[], carried: CarriedLists = {}): BlockPolicy | null {
  const plain = blockableHosts(hosts);
  if (plain.length === 0) return null;
  const cookies = plain.flatMap((host) => [`https://${host}`, `https://${host}:443`]);
  return {
    URLBlocklist: joined(
      plain.map((host) => `.${host}`),
      carried.URLBlocklist,
    ),
    CookiesBlockedForUrls: joined(cookies, carried.CookiesBlockedForUrls),
  };
}

export function blockableHosts(hosts: readonly string[]): string[] {
  return [...new Set(hosts.map(plainHost).filter((host) => host !== null))].sort();
}

/** Ours first: what is beyond Chromium's bound has no effect. */
function joined(ours: readonly string[], others: readonly string[] = []): string[] {
  return [...new Set([...ours, ...others])].slice(0, MOST_LIST_ITEMS);
}

/**
 * Whether an entry of an URLAllowlist opens a host that `.host` blocks. Chromium prefers the exact host over one that
 * covers subdomains, whatever its path or scheme, so that `*`, `host` and `host/path` lose; of two exact ones the allowing
 * wins where its path matches. False positives: a path, scheme or port that the CCP does not use.
 */
export function allowsHost(entry: string, host: string): boolean {
  const spec = entry
    .trim()
    .toLowerCase()
    .replace(/^[a-z*][a-z0-9+.*-]*:\/\//, '')
    .replace(/[/?#].*$/s, '')
    .replace(/^.*@/, '')
    .replace(/:[\d*]*$/, '')
    .replace(/\.$/, '');
  return spec === `.${host}`;
}
