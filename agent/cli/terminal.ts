import { styleText } from 'node:util';

/** What the place of output can show. Read once, so that everything drawn is a function of it. */
export interface TerminalFacts {
  columns: number;
  rows: number;
  color: boolean;
  unicode: boolean;
}

/** Lines longer than this are hard to read, however wide the window. */
const MAX_WIDTH = 100;
/** Narrower than this, wrapping makes nothing better. */
const MIN_WIDTH = 30;

export function textWidth({ columns }: TerminalFacts): number {
  return Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, columns));
}

export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'strong' | 'plain';

const formats = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  dim: 'dim',
  strong: 'bold',
} as const;

export function paint(facts: TerminalFacts, tone: Tone, text: string): string {
  if (!facts.color || tone === 'plain' || text === '') return text;
  return styleText(formats[tone], text, { validateStream: false });
}

export type Mark = 'pass' | 'fail' | 'warn' | 'note' | 'unknown' | 'not-applicable' | 'not-run' | 'busy';

const marks: Readonly<Record<Mark, { unicode: string; ascii: string; tone: Tone }>> = {
  pass: { unicode: '✔', ascii: '+', tone: 'good' },
  fail: { unicode: '✖', ascii: 'x', tone: 'bad' },
  warn: { unicode: '▲', ascii: '!', tone: 'warn' },
  note: { unicode: '•', ascii: '*', tone: 'plain' },
  unknown: { unicode: '?', ascii: '?', tone: 'warn' },
  'not-applicable': { unicode: '–', ascii: '-', tone: 'dim' },
  'not-run': { unicode: '○', ascii: 'o', tone: 'dim' },
  busy: { unicode: '…', ascii: '.', tone: 'dim' },
};

export function glyph(facts: TerminalFacts, mark: Mark): string {
  const { unicode, ascii, tone } = marks[mark];
  return paint(facts, tone, facts.unicode ? unicode : ascii);
}

/** Stands between things on one line. */
export function dot({ unicode }: TerminalFacts): string {
  return unicode ? ' · ' : ' | ';
}
