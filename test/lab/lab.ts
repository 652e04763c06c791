import type { ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fillInArguments, parseArguments, type Request, usage } from './arguments.ts';
import { watchLaunchers } from './launchers.ts';
import { exitCodeOf } from './processes.ts';
import { scenarios } from './scenarios.ts';
import { type Lab, LabUnavailable, NoSuchScenario, withLab } from './with-lab.ts';

/** How long a command may take to end after a signal; then it is killed with the lab. */
const GRACE_MS = 2_000;

const stop = new AbortController();
let command: ChildProcess | undefined;

function stopBy(signal: NodeJS.Signals): void {
  if (stop.signal.aborted) return;
  stop.abort(signal);
  // At a terminal Ctrl-C reaches the command by itself; a second one would make many programs give up at once.
  if (!(signal === 'SIGINT' && process.stdin.isTTY)) command?.kill(signal);
  setTimeout(() => command?.kill('SIGKILL'), GRACE_MS).unref();
}

async function runScenario({ scenario, command: argv, verbose }: Request & { kind: 'run' }): Promise<number> {
  if (argv.length === 0 && !process.stdin.isTTY) {
    warn(`no command, and no terminal for a shell: npm run lab -- ${scenario} -- COMMAND`);
    return 2;
  }
  const startedAt = performance.now();
  const run = async (lab: Lab): Promise<number> => {
    if (verbose) warn(`${scenario} is up after ${Math.round(performance.now() - startedAt)} ms, directory ${lab.dir}`);
    if (stop.signal.aborted) return exitCodeOf(null, stop.signal.reason);
    return attend(lab, argv.length > 0 ? fillInArguments(argv, lab.env) : [process.env.SHELL ?? '/bin/sh']);
  };
  const code = await withLab(scenario, run, { signal: stop.signal });
  if (verbose) warn(`${scenario} is gone after ${Math.round(performance.now() - startedAt)} ms, exit code ${code}`);
  return code;
}

/** The command has the lab's own input and outputs: nothing is read or added in between. */
function attend(lab: Lab, argv: readonly string[]): Promise<number> {
  const [file = ''] = argv;
  if (!isCommand(file)) {
    warn(`no command "${file}" on the PATH`);
    return Promise.resolve(127);
  }
  return new Promise((resolve, reject) => {
    command = lab.spawn(argv, { stdio: 'inherit' });
    command.on('error', reject);
    command.on('exit', (code, signal) => resolve(exitCodeOf(code, signal)));
  });
}

function isCommand(file: string): boolean {
  const candidates = file.includes('/') ? [file] : (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, file));
  return candidates.some((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function listScenarios(): string {
  const width = Math.max(...[...scenarios.keys()].map((name) => name.length));
  return [...scenarios.values()].map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`).join('\n');
}

function warn(line: string): void {
  process.stderr.write(`lab: ${line}\n`);
}

async function main(): Promise<number> {
  const request = parseArguments(process.argv.slice(2));
  switch (request.kind) {
    case 'help':
      process.stdout.write(`${usage}\n\n${listScenarios()}\n`);
      return 0;
    case 'list':
      process.stdout.write(`${listScenarios()}\n`);
      return 0;
    case 'wrong':
      warn(`${request.problem}\n${usage}`);
      return 2;
    case 'run':
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stopBy);
      watchLaunchers(() => stopBy('SIGTERM'));
      return runScenario(request);
  }
}

function exitCodeFor(error: unknown): number {
  if (stop.signal.aborted) return exitCodeOf(null, stop.signal.reason);
  if (error instanceof NoSuchScenario) {
    warn(`${error.message}; the scenarios are\n${listScenarios()}`);
    return 2;
  }
  if (error instanceof LabUnavailable) {
    warn(error.message);
    return 69;
  }
  warn(error instanceof Error ? error.message : String(error));
  return 70;
}

process.exitCode = await main().catch(exitCodeFor);
