// `npm run bench:fleet [-- --desks N --seconds N --findings N --concurrency N]`: intake over a database that syncs what it commits,
// under load from another process, and the console's reads over the same desks. Prints a ratio to bare inserts in the same run.
import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { FleetFault } from '../../../fleet/http/fault.ts';
import { addTenant, openTestDatabase } from '../../fleet/database.ts';
import { addDevices } from '../../fleet/intake/desk-reports.ts';
import { openIntake } from '../../fleet/intake/open-intake.ts';
import type { Row } from '../measure.ts';
import { bareInserts } from './bare-inserts.ts';
import { addGroups, measureReads } from './console-reads.ts';
import type { Order, Phase, PhaseResult } from './load-generator.ts';
import { printRows } from './print-rows.ts';

const options = { desks: '2000', seconds: '5', findings: '12', concurrency: '256' };
const { values } = parseArgs({
  options: Object.fromEntries(Object.entries(options).map(([name, value]) => [name, { type: 'string' as const, default: value }])),
});
const [desks, seconds, findings, concurrency] = ['desks', 'seconds', 'findings', 'concurrency'].map((name) => Number(values[name]));
if (!(desks && seconds && findings && concurrency)) {
  console.error('every option takes a number above 0');
  process.exit(2);
}

const BUDGET_PER_SEC = 2_000;
const BUDGET_P99_MS = 250;

const database = await openTestDatabase({ durable: true });
const scope = await addTenant(database.db);
const owner = new pg.Client({ connectionString: database.adminUrl });
await owner.connect();
const intake = await openIntake(database.appUrl, () => new Date());
const server = createServer(async (request, answer) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const device = String(request.headers['x-device']);
  try {
    await intake.intake.report({ ...scope, device }, JSON.parse(Buffer.concat(parts).toString('utf8')));
    answer.writeHead(200).end();
  } catch (error) {
    if (!(error instanceof FleetFault)) console.error(error);
    answer.writeHead(error instanceof FleetFault ? error.status : 500).end();
  }
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

const generator = fork(fileURLToPath(new URL('load-generator.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] });
const rows: Row[] = [];
try {
  const settings = await owner.query("select current_setting('fsync') as fsync, current_setting('synchronous_commit') as sync, version()");
  process.stderr.write(`fsync ${settings.rows[0].fsync}, synchronous_commit ${settings.rows[0].sync}, ${settings.rows[0].version}\n`);
  const groups = await addGroups(database.db, scope.tenant);
  const devices = await addDevices(database.db, scope, desks, (index) => ({
    group: groups[index % groups.length] ?? null,
    tags: { Dept: index % 3 === 0 ? 'Claims' : 'Sales' },
  }));
  const port = (server.address() as AddressInfo).port;
  await tell<{ ready: true }>({ order: { port, devices, findings, concurrency } satisfies Order });

  rows.push(toRow('first reports, in full', await load({ kind: 'first', seconds: 0 }), null));
  await owner.query('vacuum analyze');
  const kinds: Phase['kind'][] = ['unchanged', 'changed', 'mixed'];
  const bare = await bareInserts(database.ownerUrl, seconds);
  for (const kind of kinds) {
    const before = await databaseBytes();
    const result = await load({ kind, seconds });
    const grown = (await databaseBytes()) - before;
    rows.push(toRow(`${kind} reports`, result, bare));
    rows.push({
      what: `${kind}: growth`,
      measured: `${Math.round(grown / result.sent)} B a report`,
      baseline: '-',
      budget: '-',
      met: null,
    });
  }
  await owner.query('vacuum analyze');
  rows.push(...(await measureReads(database.db, scope, intake.keyring, groups, desks)));
} finally {
  generator.kill();
  server.close();
  server.closeAllConnections();
  await owner.end();
  await intake.close();
  await database.close();
}
printRows(rows);
process.exitCode = rows.some(({ met }) => met === false) ? 1 : 0;

function toRow(what: string, { sent, seconds: took, p50, p99, refused, bytes }: PhaseResult, bare: number | null): Row {
  const rate = sent / took;
  return {
    what: `${what} (${Math.round(bytes)} B each)`,
    measured: `${Math.round(rate)}/s, p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms${refused > 0 ? `, ${refused} refused` : ''}`,
    baseline: bare === null ? '-' : `${(rate / bare).toFixed(2)} of ${Math.round(bare)}/s bare inserts`,
    budget: bare === null ? '-' : `>= ${BUDGET_PER_SEC}/s, p99 < ${BUDGET_P99_MS} ms`,
    met: bare === null ? null : rate >= BUDGET_PER_SEC && p99 < BUDGET_P99_MS && refused === 0,
  };
}

async function load(phase: Phase): Promise<PhaseResult> {
  process.stderr.write(`${phase.kind} reports ...\n`);
  const { result } = await tell<{ result: PhaseResult }>({ phase });
  return result;
}

function tell<T>(message: { order: Order } | { phase: Phase }): Promise<T> {
  return new Promise((resolve, reject) => {
    generator.once('message', (answer) => resolve(answer as T));
    generator.once('exit', (code) => reject(new Error(`the load generator ended with ${code}`)));
    generator.send(message);
  });
}

/** Tables and indexes; not the write-ahead log, which is recycled. */
async function databaseBytes(): Promise<number> {
  const { rows: found } = await owner.query('select pg_database_size(current_database())::float8 as bytes');
  return found[0].bytes;
}
