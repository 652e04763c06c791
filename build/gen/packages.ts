import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { repoRoot } from '../repo.ts';

export interface LockedPackage {
  name: string;
  version: string;
  license: string;
  /** From the root of the repository. */
  dir: string;
  /** Built for some platforms only, and so not installed on every machine. */
  platformBound: boolean;
}

interface LockEntry {
  version?: string;
  license?: string;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
}

/** What the lock file installs for production, sorted by name. */
export async function productionPackages(): Promise<LockedPackage[]> {
  const lock = JSON.parse(await readFile(path.join(repoRoot, 'package-lock.json'), 'utf8')) as { packages: Record<string, LockEntry> };
  return Object.entries(lock.packages)
    .filter(([dir, { dev }]) => dir !== '' && !dev)
    .map(([dir, { version = '', license = 'unknown', os, cpu }]) => {
      return { name: packageNameOf(dir), version, license, dir, platformBound: os !== undefined || cpu !== undefined };
    })
    .sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
}

/** `node_modules/a/node_modules/@b/c/lib/x.js` is a file of `@b/c`. */
export function packageNameOf(filePath: string): string {
  const inside = filePath.slice(filePath.lastIndexOf('node_modules/') + 'node_modules/'.length).split('/');
  return inside.slice(0, inside[0]?.startsWith('@') ? 2 : 1).join('/');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
