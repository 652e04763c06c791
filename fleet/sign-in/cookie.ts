import { isToken } from './token.ts';

/** `__Host-`: a browser takes it over HTTPS alone, for this very host, so that no neighbouring host can plant one. */
export const SESSION_COOKIE = '__Host-deskwarden';
/** Lax: it must come along when the identity provider sends the browser back here. */
export const ATTEMPT_COOKIE = '__Host-deskwarden-sign-in';

type Name = typeof SESSION_COOKIE | typeof ATTEMPT_COOKIE;

export function setCookie(name: Name, token: string, maxAgeSec: number): string {
  const sameSite = name === SESSION_COOKIE ? 'Strict' : 'Lax';
  return `${name}=${token}; Path=/; Max-Age=${Math.max(0, Math.floor(maxAgeSec))}; Secure; HttpOnly; SameSite=${sameSite}`;
}

export function dropCookie(name: Name): string {
  return setCookie(name, '', 0);
}

/** Null where there is none, where it is no token of ours, or where there are two that differ. */
export function readCookie(header: string | string[] | undefined, name: Name): string | null {
  const text = Array.isArray(header) ? header.join(';') : (header ?? '');
  const found = new Set<string>();
  for (const part of text.split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) found.add(part.slice(at + 1).trim());
  }
  const [token] = found;
  return found.size === 1 && token !== undefined && isToken(token) ? token : null;
}
