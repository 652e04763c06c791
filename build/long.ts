// `npm run test:faults`: the faults that the daemon survives, in full counts, with a table of how each ended.
// `npm run test:long`: those, the random histories, the kills of the stores, and the cycles of the gate too. Takes an hour or so.
import { spawn } from 'node:child_process';
import { repoRoot } from './repo.ts';

const full: Readonly<Record<string, string>> = {
  DESKWARDEN_FULL: '1',
  DESKWARDEN_KILLS: '300',
  DESKWARDEN_HISTORIES: '100000',
  DESKWARDEN_GATE_CYCLES: '50',
  DESKWARDEN_POLICY_CYCLES: '50',
};
const suites: Readonly<Record<string, readonly string[]>> = {
  faults: ['test/faults'],
  long: ['test/faults', 'test/unit/agent/gate', 'test/unit/agent/report', 'test/e2e'],
};

const [wanted = ''] = process.argv.slice(2);
const paths = suites[wanted];
if (!paths) throw new Error(`build/long.ts knows no suite "${wanted}": ${Object.keys(suites).join(' or ')}`);
const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...paths];
const options = ['--disable-console-intercept', '--reporter=./test/faults/fault-table.ts', '--reporter=default'];
const child = spawn(process.execPath, [...vitest, ...options], {
  cwd: repoRoot,
  env: { ...full, ...process.env },
  stdio: 'inherit',
});
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
