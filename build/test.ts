// `npm test` and `npm run ready`: every proof of the repository, in order; a failing step does not hide the next.
// Options: `--only static` (no tests), `--only unit` (no static steps, no lab, nothing installed), or paths of tests to run.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { describeMissing, installTools } from './debian-tools.ts';
import { endStepsOnSignal, runNode } from './run-step.ts';
import { recordsVariable, seconds, type TestRecord, type TestRecords } from './test-reporter.ts';

const tsc = 'node_modules/typescript/bin/tsc';
const staticSteps: readonly { name: string; args: readonly string[] }[] = [
  { name: 'bundle', args: ['build/bundle.mjs'] },
  { name: 'format and lint', args: ['node_modules/@biomejs/biome/bin/biome', 'ci', '--colors=off', '.'] },
  { name: 'layers', args: ['node_modules/dependency-cruiser/bin/dependency-cruise.mjs', '--config', 'build/layers.cjs', '.'] },
  { name: 'types', args: [tsc, '--noEmit'] },
  { name: 'types of the pages', args: [tsc, '--noEmit', '-p', 'renderer'] },
  { name: 'Electron’s types for the rig', args: ['test/electron-rig/real-types.mjs'] },
  { name: 'types of the rig', args: [tsc, '--noEmit', '-p', 'test/electron-rig'] },
  { name: 'dead code', args: ['node_modules/knip/bin/knip.js'] },
  { name: 'generated files are fresh', args: ['--import', 'tsx', 'build/gen.ts', '--check'] },
];

/** Where the database's version could matter; the rest of the fleet's tests runs on 15 in `npm run test:long`. */
const databasePaths = ['db', 'access', 'audit', 'documents', 'intake', 'retention'].map((context) => `test/fleet/${context}/`);

const { values, positionals: filters } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });
if (values.only !== undefined && values.only !== 'static' && values.only !== 'unit') {
  console.error(`--only takes static or unit, not ${values.only}`);
  process.exit(2);
}

endStepsOnSignal();
const records: TestRecord[] = [];
const everything = values.only === undefined && filters.length === 0;
if (everything) await installWhatIsMissing();
if (everything || values.only === 'static') await runStaticSteps();
if (values.only !== 'static') await runTests(values.only === 'unit' ? ['test/unit/', 'test/contract/'] : filters);
if (everything) await runTests(databasePaths, { DESKWARDEN_TEST_POSTGRES: '15' });
summarise();

/** Where a tool cannot be installed, the tests that need it skip and say so. */
async function installWhatIsMissing(): Promise<void> {
  console.log('== tools');
  for (const group of ['lab', 'peers', 'browser', 'sound', 'database'] as const) {
    const { missing, because } = await installTools(group, { say: (line) => console.log(`  ${line}`) });
    if (missing.length > 0) console.log(`  ${describeMissing(missing)}${because === null ? '' : ` (${because})`}`);
  }
}

async function runStaticSteps(): Promise<void> {
  for (const { name, args } of staticSteps) {
    const { ok, output, tookMs } = await runNode(args, { show: false });
    console.log(`== ${name}: ${ok ? 'ok' : 'FAILED'}, ${seconds(tookMs)}`);
    if (!ok) console.log(output.trimEnd());
    records.push({ name, state: ok ? 'passed' : 'failed', reason: '' });
  }
}

async function runTests(paths: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  const where = Object.entries(env).map(([name, value]) => ` with ${name}=${value}`);
  console.log(`== tests${where.join()}`);
  Object.assign(process.env, env);
  const dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-test-'));
  const recordsPath = path.join(dir, 'records.json');
  process.env[recordsVariable] = recordsPath;
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=./build/test-reporter.ts', ...paths];
  const { ok, tookMs } = await runNode(vitest, { show: true });
  const found = await readFile(recordsPath, 'utf8').then(
    (text) => JSON.parse(text) as TestRecords,
    (): TestRecords => ({ tests: [], errors: ['the test run ended without a result'] }),
  );
  await rm(dir, { recursive: true, force: true });
  const ran = [...found.tests, ...found.errors.map((name): TestRecord => ({ name, state: 'failed', reason: '' }))];
  records.push(...ran.map((record) => ({ ...record, name: `${record.name}${where.join()}` })));
  const noted = found.errors.length > 0 || found.tests.some((test) => test.state === 'failed');
  if (!ok && !noted) records.push({ name: 'tests: the runner failed', state: 'failed', reason: '' });
  console.log(`== tests: ${ok ? 'ok' : 'FAILED'}, ${seconds(tookMs)}`);
}

function summarise(): void {
  const of = (state: TestRecord['state']) => records.filter((record) => record.state === state);
  const unexplained = of('skipped').filter((record) => record.reason === '');
  for (const record of unexplained) Object.assign(record, { state: 'failed', name: `${record.name}: skipped without a reason` });
  list('failed', of('failed'));
  list('skipped', of('skipped'));
  console.log(`${of('passed').length} passed, ${of('failed').length} failed, ${of('skipped').length} skipped`);
  process.exitCode = of('failed').length === 0 && records.length > 0 ? 0 : 1;
}

function list(title: string, some: readonly TestRecord[]): void {
  if (some.length > 0) console.log(`== ${title}`);
  for (const { name, reason } of some) console.log(`  ${name}${reason ? `: ${reason}` : ''}`);
}
