import process from 'node:process';
import { isatty } from 'node:tty';
import { pickLocale } from '../../checks/texts/locale.ts';
import { cleanText } from './clean-text.ts';
import { type Desk, EXIT_OUTPUT } from './desk.ts';
import { streamInput } from './input.ts';
import { DAEMON_PATIENCE_MS, listenForInterruption } from './interruption.ts';
import { runMessages } from './messages.ts';
import { type Output, streamOutput } from './output.ts';
import { runProgram } from './program.ts';

/** What the command line takes from the environment. */
export interface Environment {
  language: string | undefined;
  unicode: boolean;
  color: boolean;
  live: boolean;
  uid: number;
  /** Tells stack traces. */
  debug: boolean;
}

/** `EX_SOFTWARE` of sysexits.h: our own mistake. */
const EXIT_INTERNAL = 70;
/** As a shell reports a program that wrote into a closed pipe: 128 + SIGPIPE. */
const EXIT_READER_GONE = 141;

/** The process around `runProgram`: signals, closed pipes, unexpected errors, exit status. Never returns. */
export async function main(argv: readonly string[], desk: Desk, environment: Environment): Promise<never> {
  const interruption = argv[0] === 'daemon' ? listenForInterruption(DAEMON_PATIENCE_MS) : listenForInterruption();
  const stderr = streamOutput(process.stderr, () => {});
  const stdout = streamOutput(process.stdout, ({ readerGone, code }) => {
    if (readerGone) process.exit(EXIT_READER_GONE);
    stderr.write(`deskwarden: ${runMessages.cannotWrite('standard output', code)}\n`);
    process.exit(EXIT_OUTPUT);
  });
  const stdin = streamInput(isatty(0), () => process.stdin);
  const giveUp = (error: unknown): never => {
    stderr.write(describeError(error, environment.debug));
    return process.exit(EXIT_INTERNAL);
  };
  process.on('uncaughtException', giveUp);
  process.on('unhandledRejection', giveUp);

  let code: number;
  try {
    const { signal } = interruption;
    code = await runProgram(argv, desk, { stdout, stderr, stdin, ...environment, signal });
  } catch (error) {
    const stopped = interruption.exitCode();
    if (stopped === null) return giveUp(error);
    code = stopped;
    await sayStopped(stderr, environment);
  }
  await Promise.all([stdout.flush(), stderr.flush()]);
  return process.exit(code);
}

async function sayStopped(stderr: Output, { language }: Environment): Promise<void> {
  if (!stderr.isTerminal) return;
  const { textsFor } = await import('../../checks/texts/lookup.ts');
  stderr.write(`${textsFor(pickLocale(language)).ui('progress.stopped')}\n`);
}

function describeError(error: unknown, debug: boolean): string {
  if (debug) return `deskwarden: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `deskwarden: ${runMessages.internal(cleanText(what).slice(0, 300))}\n`;
}
