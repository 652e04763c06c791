import type { Context } from '../../../fleet/cli/command.ts';
import { commands } from '../../../fleet/cli/commands.ts';
import { runProgram } from '../../../fleet/cli/program.ts';
import { ConfigFault } from '../../../fleet/config.ts';
import type { Store } from '../../../fleet/store.ts';

export interface Ran {
  status: number;
  out: string;
  err: string;
}

export interface Script {
  /** Null: there is no configuration. */
  store?: Store | null;
  stdin?: string;
  color?: boolean;
  columns?: number;
  serve?: () => Promise<void>;
}

/** A command line of the program as it is shipped, with what is around it scripted. */
export async function runScripted(argv: readonly string[], script: Script = {}): Promise<Ran> {
  const ran = { out: '', err: '' };
  const { store = null } = script;
  const config = async () => {
    if (!store) throw new ConfigFault('fleet.yaml cannot be read (ENOENT)');
    return store.config;
  };
  const context: Context = {
    version: '1.2.3',
    configPath: 'fleet.yaml',
    color: script.color ?? false,
    columns: script.columns ?? 0,
    out(text) {
      ran.out += text;
    },
    err(text) {
      ran.err += text;
    },
    config,
    withStore: async (work) => {
      await config();
      if (!store) throw new Error('no store');
      return work(store);
    },
    serve: script.serve ?? (async () => void (await config())),
    readStdin: async () => script.stdin ?? '',
    stopped: new AbortController().signal,
  };
  return { status: await runProgram(argv, commands, () => context), ...ran };
}
