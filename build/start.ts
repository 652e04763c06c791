// `npm start`: the main job on this machine. With `-- --instance A --region R` (or any options of `deskwarden check`) against
// that instance; without, in the healthy lab where this machine can have one, else against a Region's shared hosts alone.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { watchLaunchers } from '../test/lab/launchers.ts';
import { type Lab, LabUnavailable, withLab } from '../test/lab/with-lab.ts';
import { installTools } from './debian-tools.ts';
import { repoRoot } from './repo.ts';
import { attend } from './start/attend.ts';
import { runLabDaemon } from './start/lab-daemon.ts';

/** Any Region would do: only hosts that every customer shares are looked at. */
const SHARED_REGION = 'us-west-2';
/** The command takes its own display down; then it is ended. */
const GRACE_MS = 2_000;

const stop = new AbortController();
const cli = [process.execPath, path.join(repoRoot, 'dist', 'agent', 'deskwarden.js')];
/** Somebody looks, and can end it. */
const isWatched = Boolean(process.stdin.isTTY && process.stdout.isTTY && !process.env.CI);

const help = `npm start                                      check a desk in the healthy lab (as root on Linux), then run its
                                               daemon: until Ctrl-C at a terminal, else until it has decided;
                                               where there is no lab: check the hosts that every customer shares
npm start -- --instance ALIAS --region REGION  check this machine against your instance`;

async function main(): Promise<number> {
  const options = process.argv.slice(2);
  if (options.includes('--help')) {
    say(help);
    return 0;
  }
  if (options.length > 0) return check(options);
  if (process.platform === 'linux') await installTools('lab', { say: (line) => say(`Installing the lab's tools: ${line}`) });
  try {
    return await withLab('healthy', inLab, { signal: stop.signal });
  } catch (error) {
    if (!(error instanceof LabUnavailable)) throw error;
    say(`${error.message}\n`);
    say(`No lab here: checking the shared hosts of ${SHARED_REGION}. Your own: npm start -- --instance ALIAS --region REGION\n`);
    return check(['--region', SHARED_REGION]);
  }
}

/** The exit status is the check's, unless the daemon fails. */
async function inLab(lab: Lab): Promise<number> {
  say('Checking a desk in the healthy lab: real servers under Amazon Connect names, behind a firewall of its own.');
  say('Your own: npm start -- --instance ALIAS --region REGION\n');
  const checked = await attend(lab.spawn([...cli, 'check', '--policy', lab.policyPath], { stdio: 'inherit' }), stop.signal, GRACE_MS);
  if (stop.signal.aborted) return checked;
  const ran = await runLabDaemon(lab, { cli, keep: isWatched, stop: stop.signal, say });
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
process.exitCode = await main();
