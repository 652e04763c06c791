import { CheckId } from '../contracts/finding.ts';

/** What a link of ours can ask for: what a click in the tray can, and nothing that changes what is decided. */
export type DeepLink = { kind: 'open' } | { kind: 'recheck' } | { kind: 'ccp' } | { kind: 'check'; check: CheckId };

export const DEEP_LINK_SCHEME = 'deskwarden';

/** Longer than any link of ours. */
const MAX_CHARS = 200;

/**
 * By its letters and not by a URL parser: any page and any program may send one, and what is not exactly ours is nothing.
 * Browsers add the slash at the end.
 */
export function readDeepLink(text: string): DeepLink | null {
  if (text.length > MAX_CHARS) return null;
  const path = /^deskwarden:\/\/([a-z0-9./-]+?)\/?$/.exec(text)?.[1];
  switch (path) {
    case undefined:
      return null;
    case 'open':
    case 'recheck':
    case 'ccp':
      return { kind: path };
    default: {
      const check = CheckId.safeParse(path.startsWith('check/') ? path.slice('check/'.length) : null);
      return check.success ? { kind: 'check', check: check.data } : null;
    }
  }
}

/** The operating system gives a link as an argument of its own; the first one counts. */
export function deepLinkOf(argv: readonly string[]): DeepLink | null {
  for (const text of argv) {
    const link = readDeepLink(text);
    if (link) return link;
  }
  return null;
}
