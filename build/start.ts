// `npm start`: the main job on this machine. With `-- --instance A --region R` (or any options of `deskwarden check`) against
// that instance; without, in the healthy lab where this machine can have one, else against a Region's shared hosts alone.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { LabUnavailable, withLab } from '../test/lab/with-lab.ts';
import { installTools } from './debian-tools.ts';
import { repoRoot } from './repo.ts';

/** Any Region would do: only hosts that every customer shares are looked at. */
const SHARED_REGION = 'us-west-2';
/** The command takes its own display down; then it is ended. */
const GRACE_MS = 2_000;

const stop = new AbortController();
const cli = [process.execPath, path.join(repoRoot, 'dist', 'agent', 'deskwarden.js')];

async function main(): Promise<number> {
  const options = process.argv.slice(2);
  if (options.includes('--help')) {
    say('npm start                                     check this machine (in the lab, as root on Linux)');
    say('npm start -- --instance ALIAS --region REGION check this machine against your instance');
    return 0;
  }
  if (options.length > 0) return attend(start([...cli, 'check', ...options]));
  if (process.platform === 'linux') await installTools('lab', { say: (line) => say(`Installing the lab's tools: ${line}`) });
  try {
    return await withLab(
      'healthy',
      (lab) => {
        say('Checking a desk in the healthy lab: real servers under Amazon Connect names, behind a firewall of its own.');
        say('Your own: npm start -- --instance ALIAS --region REGION\n');
        return attend(lab.spawn([...cli, 'check', '--policy', lab.policyPath], { stdio: 'inherit' }));
      },
      { signal: stop.signal },
    );
  } catch (error) {
    if (!(error instanceof LabUnavailable)) throw error;
    say(`${error.message}\n`);
    say(`No lab here: checking the shared hosts of ${SHARED_REGION}. Your own: npm start -- --instance ALIAS --region REGION\n`);
    return attend(start([...cli, 'check', '--region', SHARED_REGION]));
  }
}

function start([file = '', ...argv]: readonly string[]) {
  return spawn(file, argv, { stdio: 'inherit' });
}

function attend(child: ReturnType<typeof start>): Promise<number> {
  return new Promise((resolve, reject) => {
    stop.signal.addEventListener('abort', () => {
      // At a terminal Ctrl-C reaches the command by itself.
      if (!process.stdin.isTTY) child.kill(stop.signal.reason as NodeJS.Signals);
      setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref();
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));
process.exitCode = await main();
