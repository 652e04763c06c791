import { Readable } from 'node:stream';
import type { Desk, Place, RunRequest } from '../../../../agent/cli/desk.ts';
import { type Input, streamInput } from '../../../../agent/cli/input.ts';
import type { Output } from '../../../../agent/cli/output.ts';
import { runProgram } from '../../../../agent/cli/program.ts';
import { bundledAllowlist } from '../../../../checks/allowlist/bundled.ts';
import { catalog } from '../../../../checks/catalog.ts';
import type { CheckDocument } from '../../../../contracts/report.ts';
import { noDaemon } from './no-daemon.ts';
import { clearRun } from './sample-run.ts';

class MemoryOutput implements Output {
  readonly isTerminal: boolean;
  text = '';
  constructor(isTerminal: boolean) {
    this.isTerminal = isTerminal;
  }
  write(text: string): void {
    this.text += text;
  }
  size() {
    return { columns: 80, rows: 24 };
  }
  async flush(): Promise<void> {}
}

/** Standard input that gives this text and ends, as a pipe does. */
export function typed(text: string, isTerminal = false): Input {
  return streamInput(isTerminal, () => Readable.from(text === '' ? [] : [text]));
}

export interface Started {
  code: number;
  out: string;
  err: string;
  /** What the desk was asked to run; null when it was not asked. */
  request: RunRequest | null;
}

interface Options {
  document?: CheckDocument;
  /** Standard output and standard error are screens. */
  terminal?: boolean;
  place?: Partial<Place>;
  daemon?: Partial<typeof noDaemon>;
}

/** Runs the command line over a desk whose run ends at once with `document`. */
export async function start(
  argv: readonly string[],
  { document = clearRun, terminal = false, place, daemon }: Options = {},
): Promise<Started> {
  const [stdout, stderr] = [new MemoryOutput(terminal), new MemoryOutput(terminal)];
  let request: RunRequest | null = null;
  const desk: Desk = {
    version: '1.2.3',
    checks: catalog,
    allowlist: bundledAllowlist,
    ...noDaemon,
    ...daemon,
    async run(asked) {
      request = asked;
      const { findings, verdict } = document;
      asked.onProgress({ kind: 'started', rules: findings.map(({ rule, check }) => ({ rule, check })), notRun: [] });
      asked.onProgress({ kind: 'endpoint', endpoint: 'acme.my.connect.aws:443/tcp', step: 'tcp', state: 'ok', detail: '12 ms' });
      for (const finding of findings) asked.onProgress({ kind: 'finding', round: 0, finding });
      for (const finding of findings) if (finding.outcome.kind === 'fail') asked.onProgress({ kind: 'finding', round: 1, finding });
      asked.onProgress({ kind: 'verdict', verdict });
      return document;
    },
  };
  const { signal } = new AbortController();
  const here: Place = {
    stdout,
    stderr,
    stdin: typed(''),
    uid: 0,
    language: 'en',
    unicode: true,
    color: true,
    live: true,
    signal,
    ...place,
  };
  const code = await runProgram(argv, desk, here);
  return { code, out: stdout.text, err: stderr.text, request };
}
