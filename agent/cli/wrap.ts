import stringWidth from 'string-width';

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Written without spaces, so a line may break between any two of them. Hangul has spaces and breaks there. */
const IDEOGRAPH = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uff60]/u;
/** May not begin a line. */
const CLOSING = /^[、。，．：；？！）」』】》〉〕”’…,.:;?!)\]%]/;
/** May not end a line. */
const OPENING = /[（「『【《〈〔“‘([]$/;

/** Breaks plain text (no escapes) into lines of at most `width` columns. A word wider than a line is cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const { word, spaced } of words(text)) {
    const gap = spaced && line !== '' ? ' ' : '';
    const wide = stringWidth(word);
    if (used + gap.length + wide <= width) {
      line += gap + word;
      used += gap.length + wide;
      continue;
    }
    if (line !== '') lines.push(line);
    [line, used] = ['', 0];
    for (const piece of wide > width ? cut(word, width) : [word]) {
      if (line !== '') lines.push(line);
      [line, used] = [piece, stringWidth(piece)];
    }
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  return lines;
}

interface Word {
  word: string;
  /** A space stood before it. */
  spaced: boolean;
}

function words(text: string): Word[] {
  return text
    .split(/\s+/)
    .filter((run) => run !== '')
    .flatMap((run) => unbreakables(run).map((word, index) => ({ word, spaced: index === 0 })));
}

function unbreakables(run: string): string[] {
  const parts: string[] = [];
  let previousBreaks = false;
  for (const { segment } of graphemes.segment(run)) {
    const breaks = IDEOGRAPH.test(segment);
    const last = parts.at(-1);
    const mayBreak = last !== undefined && (breaks || previousBreaks) && !CLOSING.test(segment) && !OPENING.test(last);
    if (last === undefined || mayBreak) parts.push(segment);
    else parts[parts.length - 1] = last + segment;
    previousBreaks = breaks;
  }
  return parts;
}

function cut(word: string, width: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const { segment } of graphemes.segment(word)) {
    if (stringWidth(piece + segment) > width && piece !== '') {
      pieces.push(piece);
      piece = '';
    }
    piece += segment;
  }
  if (piece !== '') pieces.push(piece);
  return pieces;
}

/** Cuts plain text to `width` columns; `end` shows that something is missing. */
export function truncate(text: string, width: number, end: string): string {
  if (stringWidth(text) <= width) return text;
  return `${cut(text, Math.max(1, width - stringWidth(end)))[0] ?? ''}${end}`;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}
