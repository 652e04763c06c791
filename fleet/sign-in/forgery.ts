type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Whether another site may have had a browser send this. For calls that change something and carry a cookie: beside SameSite, the
 * browser must name our own origin, or, where it names none, the caller must have set a header that no foreign page can set
 * without asking us first (and we never allow it).
 */
export function isForgedRequest(headers: Headers, consoleOrigins: readonly string[]): boolean {
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  // "null" is an origin too: that of a sandboxed frame.
  if (origin !== undefined) return typeof origin !== 'string' || !consoleOrigins.includes(origin);
  return headers['x-deskwarden'] !== '1';
}
