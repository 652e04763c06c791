// `npm run bench [-- NAME ...] [--minutes N]`: measures against the budgets and prints a ratio to a baseline taken in the same run.
import { parseArgs } from 'node:util';
import { atRestBench } from './at-rest.ts';
import { cliBench } from './cli-bench.ts';
import type { Row } from './measure.ts';
import { prefixBench } from './prefix-bench.ts';
import { runBench } from './run-bench.ts';
import { trayBench } from './tray.ts';

const { values, positionals: wanted } = parseArgs({ allowPositionals: true, options: { minutes: { type: 'string', default: '10' } } });
const minutes = Number(values.minutes);
const benches: Record<string, () => Promise<Row[]>> = {
  prefix: prefixBench,
  cli: cliBench,
  run: runBench,
  tray: trayBench,
  'at-rest': () => atRestBench(minutes),
};
/** Measured only when it is named: it takes its time. */
const long = ['at-rest'];
const unknown = wanted.filter((name) => !(name in benches));
if (unknown.length > 0 || !(minutes > 0)) {
  const what = unknown.length > 0 ? `no bench "${unknown.join('", "')}"` : '--minutes takes a number';
  console.error(`${what}: there are ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}

const rows: Row[] = [];
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length > 0 ? !wanted.includes(name) : long.includes(name)) continue;
  process.stderr.write(`measuring ${name} ...\n`);
  rows.push(...(await bench()));
}
const cells = rows.map((row) => [row.what, row.measured, row.baseline, row.budget, row.met === null ? '-' : row.met ? 'yes' : 'NO']);
const table = [['what', 'measured', 'baseline in the same run', 'budget', 'met'], ...cells];
const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((line) => (line[column] ?? '').length)));
for (const line of table)
  console.log(
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
// A missed budget is told by the exit code: benches are run by hand and by nobody's tests, since machines are noisy.
process.exitCode = rows.some((row) => row.met === false) ? 1 : 0;
