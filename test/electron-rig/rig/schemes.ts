/**
 * Chromium cannot be taught a scheme from outside: `app://host/x` is `https://host.app.electron-rig.invalid/x` in the browser
 * and is answered from what `protocol.handle` registered.
 */
export const rigDomain = 'electron-rig.invalid';

const schemes = new Set<string>();

export function addScheme(scheme: string): void {
  schemes.add(scheme);
}

export function toBrowser(url: string): string {
  const [, scheme, host, rest] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i.exec(url) ?? [];
  return scheme !== undefined && schemes.has(scheme) ? `https://${host || 'x'}.${scheme}.${rigDomain}${rest || '/'}` : url;
}

export function fromBrowser(url: string): string {
  const [, host, scheme, rest] = /^https:\/\/([^/]*)\.([a-z0-9+-]+)\.electron-rig\.invalid(.*)$/i.exec(url) ?? [];
  return scheme === undefined ? url : `${scheme}://${host}${rest}`;
}

export function originOf(url: string): string {
  if (!URL.canParse(url)) return 'null';
  const { protocol, origin, host } = new URL(url);
  if (protocol === 'http:' || protocol === 'https:') return origin;
  return protocol === 'file:' ? 'file://' : `${protocol}//${host}`;
}

/** A policy that names the scheme (`app:`, `app://ui`) means in the browser what stands for it there. */
export function policyInBrowser(policy: string): string {
  return policy.replace(
    /(^|[\s;])([a-z][a-z0-9+.-]*):(\/\/[^\s;/]+)?(?=[\s;/]|$)/gi,
    (whole, before: string, scheme: string, host?: string) => {
      if (!schemes.has(scheme)) return whole;
      return `${before}https://${host === undefined ? '*' : host.slice(2)}.${scheme}.${rigDomain}`;
    },
  );
}
