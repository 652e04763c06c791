// `npm run test:faults`: the faults that the daemon survives, in full counts, with a table of how each ended.
// `npm run test:long`: those, the random histories, the kills of the stores, the cycles of the gate, and the fleet server on both
// PostgreSQLs. Takes an hour or so.
import { spawn } from 'node:child_process';
import { installTools } from './debian-tools.ts';
import { repoRoot } from './repo.ts';

interface Run {
  paths: readonly string[];
  env?: Readonly<Record<string, string>>;
}

const full: Readonly<Record<string, string>> = {
  DESKWARDEN_FULL: '1',
  DESKWARDEN_KILLS: '300',
  DESKWARDEN_HISTORIES: '100000',
  DESKWARDEN_GATE_CYCLES: '50',
  DESKWARDEN_POLICY_CYCLES: '50',
};
const fullFleet: Readonly<Record<string, string>> = {
  DESKWARDEN_FULL: '1',
  DESKWARDEN_KILLS: '100',
  DESKWARDEN_RUNS: '24',
  DESKWARDEN_FUZZ: '100',
  DESKWARDEN_ACCESS_CASES: '100000',
};
const faults: Run = { paths: ['test/faults'], env: full };
const gate: Run = { paths: ['test/unit/agent/gate', 'test/unit/agent/report', 'test/e2e'], env: full };
const fleet: readonly Run[] = [
  { paths: ['test/fleet'], env: fullFleet },
  { paths: ['test/fleet'], env: { DESKWARDEN_TEST_POSTGRES: '15' } },
];
const suites: Readonly<Record<string, readonly Run[]>> = { faults: [faults], long: [faults, gate, ...fleet] };

const [wanted = ''] = process.argv.slice(2);
const runs = suites[wanted];
if (!runs) throw new Error(`build/long.ts knows no suite "${wanted}": ${Object.keys(suites).join(' or ')}`);
if (wanted === 'long') await installTools('database');
for (const run of runs) process.exitCode = Math.max(Number(process.exitCode ?? 0), await vitest(run));

function vitest({ paths, env }: Run): Promise<number> {
  const options = ['--disable-console-intercept', '--reporter=./test/faults/fault-table.ts', '--reporter=default'];
  const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...paths, ...options], {
    cwd: repoRoot,
    env: { ...env, ...process.env },
    stdio: 'inherit',
  });
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
}
