import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Lab } from '../../test/lab/with-lab.ts';

/** Where the desk is that `npm start` looks after. */
export interface Desk {
  instance: { alias: string; region: string };
  policyPath: string;
  env: Readonly<Record<string, string | undefined>>;
  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Of network namespaces of its own: reaches this machine's loopback by a relay alone. */
  apart: boolean;
  /** Gone with the desk. */
  dir: string;
}

export function labDesk(lab: Lab): Desk {
  return {
    instance: { alias: 'acme', region: 'us-west-2' },
    policyPath: lab.policyPath,
    env: lab.env,
    spawn: lab.spawn,
    apart: true,
    dir: lab.dir,
  };
}

/** This computer itself. `alias` null: only hosts that the whole Region shares are looked at. */
export async function thisDesk(dir: string, alias: string | null, region: string): Promise<Desk> {
  await mkdir(dir, { recursive: true });
  // PostgreSQL's own user passes through.
  await chmod(dir, 0o755);
  const policyPath = path.join(dir, 'policy.yaml');
  const instance = alias === null ? `{ region: ${region} }` : `{ alias: ${alias}, region: ${region} }`;
  await writeFile(policyPath, `schema: 1\nid: start\ninstance: ${instance}\n`);
  return {
    instance: { alias: alias ?? 'shared', region },
    policyPath,
    env: process.env,
    spawn: ([file = '', ...args], options = {}) => spawn(file, args, options),
    apart: false,
    dir,
  };
}
