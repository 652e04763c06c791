import { spawn } from 'node:child_process';
import { toolPath } from '../../build/debian-tools.ts';

export interface ExecOptions {
  env?: Readonly<Record<string, string>>;
  /** Text for the standard input; without it the input is empty. */
  input?: string;
  /** After this the command and its children are killed. Default: no limit. */
  timeoutMs?: number;
}

export interface Finished {
  /** 128 + N after signal N, 124 after the time limit. */
  code: number;
  stdout: string;
  stderr: string;
  timedOut: boolean;
}

const signalNumbers: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 };

/** What a shell reports for a command that ended so. */
export function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : (signalNumbers[signal] ?? 0));
}

/** Runs a command to its end. The environment given is the whole environment. */
export function run(argv: readonly string[], options: ExecOptions = {}): Promise<Finished> {
  const [file, ...rest] = argv;
  if (!file) throw new Error('run: an empty command');
  return new Promise((resolve, reject) => {
    // A group of its own, so that the time limit also ends what the command has started.
    const child = spawn(file, rest, { env: options.env ?? process.env, stdio: 'pipe', detached: true });
    const finished: Finished = { code: 0, stdout: '', stderr: '', timedOut: false };
    const limit =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            finished.timedOut = true;
            if (child.pid !== undefined) endGroup(child.pid);
          }, options.timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      finished.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      finished.stderr += text;
    });
    // A command may end without reading its input.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => {
      clearTimeout(limit);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      resolve({ ...finished, code: finished.timedOut ? 124 : exitCodeOf(code, signal) });
    });
  });
}

/** Runs one of the lab's own tools; anything but success is an error that quotes the tool. */
export async function runTool(tool: string, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await run([toolPath(tool), ...args], input === undefined ? {} : { input });
  if (code === 0) return stdout;
  throw new Error(`${tool} ${args.join(' ')} ended with ${code}: ${stderr.trim() || 'no message'}`);
}

/** Ends one process at once; one that has already ended is fine. */
export function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function endGroup(leader: number): void {
  endProcess(-leader);
}
