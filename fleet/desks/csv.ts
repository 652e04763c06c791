/** What a spreadsheet would take for a formula, in its plain and its full-width form. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/u;

/** One line of RFC 4180, every cell quoted; what would run as a formula is text, by an apostrophe before it. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(cell).join(',')}\r\n`;
}

function cell(text: string): string {
  const safe = FORMULA.test(text.trimStart()) || FORMULA.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
