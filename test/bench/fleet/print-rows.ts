import type { Row } from '../measure.ts';

export function printRows(rows: readonly Row[]): void {
  const cells = rows.map((row) => [row.what, row.measured, row.baseline, row.budget, row.met === null ? '-' : row.met ? 'yes' : 'NO']);
  const table = [['what', 'measured', 'baseline in the same run', 'budget', 'met'], ...cells];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((line) => (line[column] ?? '').length)));
  for (const line of table) {
    const padded = line.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    console.log(padded.join('  ').trimEnd());
  }
}
