// `npm run peers`: our findings beside what tools that nobody here wrote say of the same servers in the lab.
// Prints one Markdown table a subject. It is for people to read: the tests of the lab hold the same tools to each scenario.
import { compareDns } from './dns-peers.ts';
import { compareTls } from './tls-peers.ts';
import { compareTurn } from './turn-peers.ts';

const subjects = { turn: compareTurn, dns: compareDns, tls: compareTls };
const wanted = process.argv.slice(2);
for (const [name, compare] of Object.entries(subjects)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stderr.write(`comparing ${name} ...\n`);
  const [head = [], ...rows] = await compare();
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  console.log([line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n'));
}
