/** The value of a dotted quad, 0 to 2^32-1; null for anything else, an octet with a leading zero too. The inner loop of every lookup. */
export function parseV4(text: string): number | null {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (octet < 0 || ++dots > 3) return null;
      value = value * 256 + octet;
      octet = -1;
    } else if (code >= 48 && code <= 57) {
      if (octet === 0) return null;
      octet = octet < 0 ? code - 48 : octet * 10 + code - 48;
      if (octet > 255) return null;
    } else return null;
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : null;
}

/** Whether a text can only be IPv6: its first group has at most four digits. */
export function looksLikeV6(text: string): boolean {
  for (let i = 0; i < 5; i++) if (text.charCodeAt(i) === COLON) return true;
  return false;
}

const COLON = 58;
const DOT = 46;
const PERCENT = 37;

/** Value of a hexadecimal digit by character code; 255 for anything else. As long as there are codes: no bound is checked. */
const hexDigits = new Uint8Array(65_536).fill(255);
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  hexDigits[digit.charCodeAt(0)] = value;
  hexDigits[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Writes the eight groups of an IPv6 address (RFC 4291 section 2.2; a zone is ignored) and returns false for anything else. */
export function parseV6Into(groups: Uint16Array, text: string): boolean {
  const end = text.length;
  let count = 0;
  let gap = -1;
  let value = 0;
  let digits = 0;
  let start = 0;
  let i = 0;
  if (text.charCodeAt(0) === COLON && text.charCodeAt(1) !== COLON) return false;
  for (; i < end; i++) {
    const code = text.charCodeAt(i);
    const digit = hexDigits[code] as number;
    if (digit !== 255) {
      if (++digits > 4) return false;
      value = value * 16 + digit;
      continue;
    }
    if (code !== COLON) break;
    if (digits > 0) {
      if (count === 8) return false;
      groups[count++] = value;
      if (i + 1 === end) return false;
    } else if (gap >= 0) return false;
    if (text.charCodeAt(i + 1) === COLON && (digits > 0 || i === 0)) {
      if (gap >= 0) return false;
      gap = count;
      i++;
    }
    value = 0;
    digits = 0;
    start = i + 1;
  }
  if (i < end && text.charCodeAt(i) === DOT) {
    const v4 = parseV4(zoneless(text.slice(start)));
    if (v4 === null || count > 6) return false;
    groups[count++] = Math.floor(v4 / 65_536);
    groups[count++] = v4 % 65_536;
  } else {
    if (i < end && text.charCodeAt(i) !== PERCENT) return false;
    if (digits > 0) {
      if (count === 8) return false;
      groups[count++] = value;
    } else if (gap !== count) return false;
  }
  if (gap < 0) return count === 8;
  if (count > 7) return false;
  // By hand: `copyWithin` and `fill` cost more than the rest of the lookup for so few.
  for (let from = count - 1, to = 7; to >= gap; from--, to--) groups[to] = from >= gap ? (groups[from] as number) : 0;
  return true;
}

function zoneless(text: string): string {
  const zone = text.indexOf('%');
  return zone < 0 ? text : text.slice(0, zone);
}
