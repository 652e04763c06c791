import type { Snapshot } from '../../contracts/local-api.ts';

/** What the policy names: the CCP's own origins, and those of its sign-in. Null before the first snapshot: then nothing is the CCP's. */
export type CcpPlaces = Pick<Snapshot['ccp'], 'origins' | 'loginOrigins'> | null;

/** While a window of the instance before is still open, what is its own stays so. */
export function bothPlaces(one: CcpPlaces, other: CcpPlaces): CcpPlaces {
  if (one === null || other === null || one === other) return one ?? other;
  return {
    origins: [...new Set([...one.origins, ...other.origins])],
    loginOrigins: [...new Set([...one.loginOrigins, ...other.loginOrigins])],
  };
}

/**
 * The origin of an HTTPS address, as Chromium reads it; null for any other. `URL` would give the origin inside a `blob:` address
 * as its own, and an address with a user name in it is made to look like another.
 */
export function httpsOrigin(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, origin, username, password } = new URL(text);
  return protocol === 'https:' && username === '' && password === '' ? origin : null;
}

export function isCcp(places: CcpPlaces, url: string): boolean {
  const origin = httpsOrigin(url);
  return origin !== null && places?.origins.includes(origin) === true;
}

export function isCcpOrLogin(places: CcpPlaces, url: string): boolean {
  const origin = httpsOrigin(url);
  return isCcp(places, url) || (origin !== null && places?.loginOrigins.includes(origin) === true);
}

/** What ShellExecute of Windows takes; a longer one would arrive cut short, as another address. */
const MAX_BROWSER_URL = 2_048;

/** What the user's own browser may be given. */
export function isForBrowser(url: string): boolean {
  return url.length <= MAX_BROWSER_URL && httpsOrigin(url) !== null;
}
