import type { FleetConfig } from '../config.ts';
import type { Store } from '../store.ts';

export interface Output {
  out(text: string): void;
  err(text: string): void;
  color: boolean;
}

/** What a command has at hand. */
export interface Context extends Output {
  version: string;
  configPath: string;
  config(): Promise<FleetConfig>;
  /** The database and the keys, for as long as `work` takes: of the running server where there is one. */
  withStore<T>(work: (store: Store) => Promise<T>): Promise<T>;
  /** Resolves once the server has stopped. */
  serve(): Promise<void>;
  readStdin(): Promise<string>;
  stopped: AbortSignal;
  /** Of the terminal; 0 where there is none. */
  columns: number;
}

export type OptionKind = 'boolean' | 'string' | 'strings';

export interface Given {
  flags: ReadonlySet<string>;
  /** `strings` may be given more than once. */
  values: ReadonlyMap<string, readonly string[]>;
  positionals: readonly string[];
}

/** 0 done, 1 done and something is wrong there (a broken chain, a refused policy). */
export interface Command {
  name: string;
  summary: string;
  /** Without the name: `FILE [options]`. */
  usage: string;
  help: string;
  options: Readonly<Record<string, OptionKind>>;
  positionals: { least: number; most: number };
  run(given: Given, context: Context): Promise<number>;
}

/** Wrong usage: said with the command's usage, exit status 2. */
export class UsageFault extends Error {
  override readonly name = 'UsageFault';
}

export function one(given: Given, option: string): string | undefined {
  return given.values.get(option)?.[0];
}
