/** Deeper than anything we nest; a stranger's JSON in a log may be. */
const MAX_DEPTH = 100;

const GONE = '<removed>';

/** By these names, alone or at the end of a longer one, go things that let their holder in. */
const SECRET_KEY = /(secret|password|passwd|passphrase|passcode|token|ticket|credentials?|authorization|cookies?|private_?key|api_?key)$/i;
/** Private members of a JWK (RFC 7518). */
const PRIVATE_JWK = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']);

type Rule = readonly [pattern: RegExp, replacement: string];

/** What is secret whatever it is called. None of these takes more than linear time: a stranger wrote part of a log. */
const rules: readonly Rule[] = [
  // Enrolment tickets.
  [/dw1\.[A-Za-z0-9_.-]+/g, '<removed ticket>'],
  // JWS and JWE, as documents and as bearer tokens.
  [/\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){2,4}/g, '<removed token>'],
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"'<>]*@/gi, `$1${GONE}@`],
  [/\b((?:proxy-)?authorization\s*[:=]\s*"?\s*)(?:(?:basic|bearer|digest|negotiate|ntlm)\s+)?[^\s",]+/gi, `$1${GONE}`],
  [/\b((?:bearer|negotiate|ntlm)\s+)[A-Za-z0-9+/_.=~-]{8,}/gi, `$1${GONE}`],
  [/\b((?:set-)?cookie\s*:\s*)[^\r\n"]+/gi, `$1${GONE}`],
  [
    /((?:^|[?&;\s"'{,])[\w-]*(?:secret|password|passwd|passphrase|token|ticket|api_?key)["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s&"',;}]+)/gi,
    `$1${GONE}`,
  ],
  [/("(?:d|p|q|dp|dq|qi|k)"\s*:\s*)"[A-Za-z0-9_-]{20,}"/g, `$1"${GONE}"`],
];

const WHOLE_KEY = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g;
const KEY_END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----/;
/** What may stand in the lines of a key; `\\n` as in JSON. */
const KEY_CHAR = /[A-Za-z0-9+/=\s\\]/;
const KEY_GONE = '<removed private key>';

/** The directory below which each user has his own; the name comes next. Backslashes may be doubled, as in JSON. */
const HOME = /((?:\/home|\/Users|[A-Za-z]:(?:\\{1,2}|\/)Users)(?:\\{1,2}|\/))([^\\/\s"':;,<>|]+)/g;

/**
 * A copy of a JSON value without what lets somebody in (keys, tickets, codes, credentials) and without the names of users in
 * paths, which become `user-1` and so on, the same name always the same. Addresses, host names and certificates stay.
 */
export function redact(value: unknown): unknown {
  const users = new Map<string, string>();
  const text = (given: string) =>
    rules
      .reduce((made, [pattern, replacement]) => made.replace(pattern, replacement), withoutKeys(given))
      .replace(HOME, (_, before: string, name: string) => {
        const known = users.get(name) ?? `user-${users.size + 1}`;
        users.set(name, known);
        return before + known;
      });

  function copy(part: unknown, depth: number): unknown {
    if (typeof part === 'string') return text(part);
    if (typeof part !== 'object' || part === null) return part;
    if (depth > MAX_DEPTH) return '<too deep>';
    if (Array.isArray(part)) return part.map((item) => copy(item, depth + 1));
    const isJwk = Object.hasOwn(part, 'kty');
    return Object.fromEntries(
      Object.entries(part).map(([key, item]) => {
        const isSecret = SECRET_KEY.test(key) || (isJwk && PRIVATE_JWK.has(key)) || (/code$/i.test(key) && isReleaseCode(item));
        // That there is none is worth knowing.
        return [text(key), isSecret && item !== null && item !== undefined ? GONE : copy(item, depth + 1)];
      }),
    );
  }
  return copy(value, 0);
}

function isReleaseCode(value: unknown): boolean {
  return (typeof value === 'string' || typeof value === 'number') && /^\d{8}$/.test(String(value));
}

/** A log's tail may begin or end within a private key: one counts from its beginning, or up to its end. */
export function withoutKeys(given: string): string {
  const parts = given.replace(WHOLE_KEY, KEY_GONE).split(KEY_END);
  return parts.map((part, index) => (index === parts.length - 1 ? part : withoutKeyLines(part) + KEY_GONE)).join('');
}

/** Less what at its end may be lines of a key. */
function withoutKeyLines(text: string): string {
  let end = text.length;
  while (end > 0 && KEY_CHAR.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
