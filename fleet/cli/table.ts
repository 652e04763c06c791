import stringWidth from 'string-width';

export interface Cell {
  text: string;
  color?: 'red' | 'yellow' | 'green' | 'dim' | undefined;
}

const codes = { red: 31, yellow: 33, green: 32, dim: 2 } as const;
const GAP = 2;
/** Narrower, a last column says nothing. */
const LEAST_LAST = 20;

/** Columns as wide as their widest cell; the last one is cut at the terminal's edge. Names are strangers' text: they steer no terminal. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly Cell[])[],
  { color, columns }: { color: boolean; columns: number },
): string {
  const clean = rows.map((row) => row.map((cell) => ({ ...cell, text: printable(cell.text) })));
  const widths = heads.map((head, at) => Math.max(stringWidth(head), ...clean.map((row) => stringWidth(row[at]?.text ?? ''))));
  const last = widths.length - 1;
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + GAP, 0);
  const room = columns > 0 ? Math.max(LEAST_LAST, columns - before) : Number.POSITIVE_INFINITY;
  const paint = (text: string, tone: Cell['color']) => (color && tone ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text);
  const line = (cells: readonly Cell[]) =>
    cells
      .map(({ text, color: tone }, at) => {
        if (at === last) return paint(cut(text, room), tone);
        return `${paint(text, tone)}${' '.repeat((widths[at] ?? 0) - stringWidth(text) + GAP)}`;
      })
      .join('')
      .trimEnd();
  return [line(heads.map((text): Cell => ({ text, color: 'dim' }))), ...clean.map(line)].map((text) => `${text}\n`).join('');
}

function cut(text: string, room: number): string {
  if (stringWidth(text) <= room) return text;
  let kept = '';
  for (const char of text) {
    if (stringWidth(kept + char) > room - 1) break;
    kept += char;
  }
  return `${kept}…`;
}

function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
