// `npm start`: the main job on this machine: check the desk, then a fleet server, this desk enrolled with it and its daemon.
// With `-- --instance A --region R` for that instance; without, in the healthy lab where this machine can have one, else for a
// Region's shared hosts alone. Any other options are those of `deskwarden check`, which then runs alone.
import { spawn } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { watchLaunchers } from '../test/lab/launchers.ts';
import { type Lab, LabUnavailable, withLab } from '../test/lab/with-lab.ts';
import { installTools } from './debian-tools.ts';
import { repoRoot } from './repo.ts';
import { attend } from './start/attend.ts';
import { type Desk, labDesk, thisDesk } from './start/desk.ts';
import { runWithFleet } from './start/with-fleet.ts';

/** Any Region would do: only hosts that every customer shares are looked at. */
const SHARED_REGION = 'us-west-2';
/** The command takes its own display down; then it is ended. */
const GRACE_MS = 2_000;

const stop = new AbortController();
const cli = [process.execPath, path.join(repoRoot, 'dist', 'agent', 'deskwarden.js')];
/** Somebody looks, and can end it. */
const isWatched = Boolean(process.stdin.isTTY && process.stdout.isTTY && !process.env.CI);
/** Where a server of this kind would keep its data; not in the clone, where PostgreSQL's user may not get to. */
const keepDir =
  process.env.DESKWARDEN_START_DIR ??
  (process.getuid?.() === 0
    ? '/var/lib/deskwarden-start'
    : path.join(process.env.XDG_STATE_HOME ?? path.join(os.homedir(), '.local', 'state'), 'deskwarden-start'));

/** Of the fleet server's device side; the console's is 1000 higher. */
const devicePort = Number(process.env.DESKWARDEN_START_PORT ?? 7443);

const help = `npm start                                      check a desk in the healthy lab (as root on Linux), then run a
                                               fleet server, the desk's daemon, and enrol the one with the other:
                                               until Ctrl-C at a terminal, else until the first report is stored;
                                               where there is no lab: for the hosts that every customer shares
npm start -- --instance ALIAS --region REGION  the same, with this machine against your instance
npm start -- OPTIONS                           any other options of \`deskwarden check\`: that check alone

What is to outlive a start is in ${keepDir} (DESKWARDEN_START_DIR). The fleet server
listens on 127.0.0.1:${devicePort} and ${devicePort + 1000} (DESKWARDEN_START_PORT).`;

async function main(): Promise<number> {
  const options = process.argv.slice(2);
  if (options.includes('--help')) {
    say(help);
    return 0;
  }
  const named = namedInstance(options);
  if (options.length > 0 && named === null) return check(options);
  if (named !== null) return here(named.instance, named.region);
  if (process.platform === 'linux') await installTools('lab', { say: (line) => say(`Installing the lab's tools: ${line}`) });
  try {
    return await withLab('healthy', inLab, { signal: stop.signal });
  } catch (error) {
    if (!(error instanceof LabUnavailable)) throw error;
    say(`${error.message}\n`);
    say(`No lab here: checking the shared hosts of ${SHARED_REGION}. Your own: npm start -- --instance ALIAS --region REGION\n`);
    return here(null, SHARED_REGION);
  }
}

/** Null where anything else is asked for. */
function namedInstance(options: readonly string[]): { instance: string | null; region: string } | null {
  try {
    const { values } = parseArgs({ args: [...options], options: { instance: { type: 'string' }, region: { type: 'string' } } });
    return values.region === undefined ? null : { instance: values.instance ?? null, region: values.region };
  } catch {
    return null;
  }
}

async function inLab(lab: Lab): Promise<number> {
  say('Checking a desk in the healthy lab: real servers under Amazon Connect names, behind a firewall of its own.');
  say('Your own: npm start -- --instance ALIAS --region REGION\n');
  const checked = await attend(lab.spawn([...cli, 'check', '--policy', lab.policyPath], { stdio: 'inherit' }), stop.signal, GRACE_MS);
  return withFleet(checked, labDesk(lab));
}

async function here(instance: string | null, region: string): Promise<number> {
  const checked = await check([...(instance === null ? [] : ['--instance', instance]), '--region', region]);
  return checked === 2 ? checked : withFleet(checked, await thisDesk(path.join(keepDir, 'here'), instance, region));
}

/** The exit status is the check's, unless what follows fails. */
async function withFleet(checked: number, desk: Desk): Promise<number> {
  if (stop.signal.aborted) return checked;
  const ran = await runWithFleet({
    desk,
    cli,
    ports: { device: devicePort, console: devicePort + 1000 },
    keepDir,
    keep: isWatched,
    stop: stop.signal,
    say,
  });
  return ran === 0 ? checked : ran;
}

function check(options: readonly string[]): Promise<number> {
  const [file = '', ...argv] = [...cli, 'check', ...options];
  return attend(spawn(file, argv, { stdio: 'inherit' }), stop.signal, GRACE_MS);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));
watchLaunchers(() => stop.abort('SIGTERM'));
try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 70;
}
