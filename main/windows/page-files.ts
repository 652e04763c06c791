import { UI_ORIGIN } from '../ipc/sender-rule.ts';

/** Everything a page needs comes from beside it; it reaches no network, and nobody frames it. WebRTC is no part of this policy. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const types: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  woff2: 'font/woff2',
};

export const pageHeaders = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
} as const;

/** File and type of an address under the app's own scheme, from the directory of the pages; null for what none of our pages asks for. */
export function pageFile(url: string): { parts: readonly string[]; type: string } | null {
  if (!url.startsWith(`${UI_ORIGIN}/`)) return null;
  const path = url.slice(UI_ORIGIN.length + 1).replace(/[?#].*$/s, '');
  // Names of files as the bundler gives them. A name never begins with a dot, so that none leads upwards or is hidden.
  const parts = path.split('/');
  if (parts.length > 4 || !parts.every((part) => /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,120}$/.test(part))) return null;
  const extension = /\.([a-z0-9]+)$/.exec(path)?.[1] ?? '';
  const type = Object.hasOwn(types, extension) ? types[extension] : undefined;
  return type === undefined ? null : { parts, type };
}
