/**
 * The browser knows the page by the address that stands for its scheme. What scripts may redefine tells the scheme's own;
 * `location` is out of reach of scripts and keeps the other (README).
 */
export function identityInPage(): void {
  const [, host, scheme] = /^(.*)\.([a-z0-9+-]+)\.electron-rig\.invalid$/.exec(location.hostname) ?? [];
  if (scheme === undefined) return;
  const origin = `${scheme}://${host}`;
  const browserOrigin = location.origin;
  const href = () => origin + location.href.slice(browserOrigin.length);
  Object.defineProperty(window, 'origin', { get: () => origin, configurable: true });
  for (const name of ['URL', 'documentURI']) Object.defineProperty(document, name, { get: href, configurable: true });
}
