// `npm run bench:fleet [-- --desks N --enrol N --seconds N --concurrency N --profile DIR]`: the server as it is shipped, over a database
// that syncs what it commits, under load over mutual TLS from another process, and the console's reads over all desks. Desks that do not
// enrol are there with their state and findings, and say nothing. Prints ratios to bare inserts in the same run.
import { type ChildProcess, fork } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import type { Row } from '../measure.ts';
import { bareInserts } from './bare-inserts.ts';
import type { Ready, Used } from './bench-server.ts';
import { call, measureReads } from './console-reads.ts';
import type { Answered, Phase, PhaseResult, Told } from './load-generator.ts';
import { printRows } from './print-rows.ts';
import { simulateFloor } from './simulated-floor.ts';

const defaults = { desks: '5000', enrol: '300', seconds: '5', concurrency: '256' };
const { values } = parseArgs({
  options: {
    ...Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, { type: 'string' as const, default: value }])),
    profile: { type: 'string' },
  },
});
const [desks, enrol, seconds, concurrency] = Object.keys(defaults).map((name) => Number(values[name as 'profile']));
if (!(desks && enrol && seconds && concurrency)) {
  console.error('every option takes a number above 0');
  process.exit(2);
}

const BUDGET_PER_SEC = 2_000;
const BUDGET_P99_MS = 250;
const STOP_MS = 30_000;
/** Of the changed phase: two findings of each report. */
const CHANGED_FINDINGS = 2;

const dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-bench-'));
// As root PostgreSQL runs as another account, which has to get through.
await chmod(dir, 0o711);
const profiled = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];
const server = startProcess('bench-server.ts', [dir, String(Math.max(0, desks - enrol))], profiled);
const generator = startProcess('load-generator.ts', [], []);
const rows: Row[] = [];
try {
  say(`PostgreSQL, the server, and ${Math.max(0, desks - enrol)} desks that say nothing ...`);
  const ready = await answerOf<Ready>(server);
  const { devicePort, consolePort, ca, adminUrl, scope, filled } = ready;
  const fleetUrl = adminUrl.replace(/@\/[^?]*\?/, '@/deskwarden?');
  await simulateFloor(fleetUrl);
  const admin = new pg.Client({ connectionString: fleetUrl });
  // Ended with its server, where something failed.
  admin.on('error', () => undefined);
  await admin.connect();
  const settings = await admin.query("select current_setting('fsync') as fsync, current_setting('synchronous_commit') as sync, version()");
  say(`fsync ${settings.rows[0].fsync}, synchronous_commit ${settings.rows[0].sync}, ${settings.rows[0].version}`);

  const secret = await prepareOrders(consolePort, ca, filled.admin, scope.instance, enrol);
  say(`enrolling ${enrol} desks ...`);
  const answered = await tell({ enrol: { port: devicePort, ca, secret, desks: enrol } });
  if (!('enrolled' in answered)) throw new Error(JSON.stringify(answered));
  rows.push(plain(`${enrol} desks enrolled`, `${(enrol / answered.enrolled.seconds).toFixed(0)}/s with their keys and connections`));

  const bytes = async () => Number((await admin.query('select pg_database_size(current_database())::text as bytes')).rows[0].bytes);
  async function load(kind: Phase['kind'], bare: number | null): Promise<void> {
    say(`${kind} ...`);
    const before = { used: await used(), bytes: await bytes() };
    const result = await tell({ phase: { kind, seconds: seconds ?? 0, concurrency: concurrency ?? 1 } });
    if (!('result' in result)) throw new Error(JSON.stringify(result));
    const after = { used: await used(), bytes: await bytes() };
    rows.push(toRow(kind, result.result, bare), costRow(kind, result.result, before.used, after.used));
    const grown = Math.round((after.bytes - before.bytes) / result.result.sent);
    rows.push(plain(`${kind}: growth`, `${grown} B a call, ${Math.round(result.result.bytes)} B sent`));
  }
  await load('first', null);
  await admin.query('vacuum analyze');
  const bareStates = await bareInserts(fleetUrl, seconds, 0);
  const bareChanges = await bareInserts(fleetUrl, seconds, CHANGED_FINDINGS);
  await load('unchanged', bareStates);
  await load('changed', bareChanges);
  await load('mixed', bareChanges);
  const updates = await admin.query(
    `select relname, n_tup_upd::int as all, n_tup_hot_upd::int as hot from pg_stat_user_tables
     where relname in ('desk_state', 'desk_epoch', 'desk_heartbeat', 'finding') and n_tup_upd > 0 order by 1`,
  );
  const shares = updates.rows.map(({ relname, all, hot }) => `${relname} ${Math.round((100 * hot) / all)} %`);
  rows.push(plain('updates in place', shares.join(', ')));
  await admin.query('vacuum analyze');
  rows.push(...(await measureReads(consolePort, ca, filled, desks)));
  await admin.end();
} finally {
  generator.kill();
  await stopServer();
  await rm(dir, { recursive: true, force: true });
}
printRows(rows);
process.exitCode = rows.some(({ met }) => met === false) ? 1 : 0;

/** A policy that every desk is to obey, so that heartbeats have something to be answered; and a ticket for all. Gives its secret. */
async function prepareOrders(port: number, ca: string, cookie: string, instance: string, uses: number): Promise<string> {
  const agent = new Agent({ keepAlive: true, ca });
  const ask = async (method: string, where: string, body: unknown) =>
    JSON.parse(await call({ agent, port, method, path: where, cookie, body }));
  const made = await ask('POST', '/api/v1/tickets', { instance, maxUses: uses, approval: 'automatic' });
  agent.destroy();
  return String(made.text).split('.')[1] ?? '';
}

function toRow(kind: string, { sent, seconds: took, p50, p99, refused }: PhaseResult, bare: number | null): Row {
  const rate = sent / took;
  return {
    what: kind === 'first' ? 'first reports, in full' : `${kind} ${kind === 'mixed' ? 'calls' : 'reports'}`,
    measured: `${Math.round(rate)}/s, p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms${refused > 0 ? `, ${refused} refused` : ''}`,
    baseline: bare === null ? '-' : `${(rate / bare).toFixed(2)} of ${Math.round(bare)}/s bare inserts`,
    budget: bare === null ? '-' : `>= ${BUDGET_PER_SEC}/s, p99 < ${BUDGET_P99_MS} ms`,
    met: bare === null ? null : rate >= BUDGET_PER_SEC && p99 < BUDGET_P99_MS && refused === 0,
  };
}

/** What does not depend on who else uses the machine. */
function costRow(kind: string, { sent, cpuSeconds }: PhaseResult, before: Used, after: Used): Row {
  const per = (seconds: number) => ((1_000 * seconds) / sent).toFixed(2);
  const postgres = before.postgres === null || after.postgres === null ? '-' : per(after.postgres - before.postgres);
  return plain(
    `${kind}: CPU seconds per 1,000`,
    `server ${per(after.server - before.server)}, PostgreSQL ${postgres}, generator ${per(cpuSeconds)}`,
  );
}

function plain(what: string, measured: string): Row {
  return { what, measured, baseline: '-', budget: '-', met: null };
}

function startProcess(file: string, args: string[], execArgv: string[]): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), args, { execArgv: ['--import', 'tsx', ...execArgv] });
}

function used(): Promise<Used> {
  const answer = answerOf<Used>(server);
  server.send('used');
  return answer;
}

function tell(told: Told): Promise<Answered> {
  const answer = answerOf<Answered>(generator);
  generator.send(told);
  return answer;
}

function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a process of the bench ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (answer) => {
      child.off('exit', ended);
      resolve(answer as T);
    });
  });
}

async function stopServer(): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const timer = setTimeout(() => server.kill('SIGKILL'), STOP_MS);
  if (server.connected) server.send('stop');
  else server.kill();
  await ended;
  clearTimeout(timer);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
