import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { repoRoot } from '../repo.ts';
import { packageNameOf } from './packages.ts';

export const agentDependenciesPath = 'docs/deps.agent.txt';

interface Metafile {
  outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>;
}

/** Names and versions of what really ends up in dist/agent, by esbuild's own account. */
export async function agentDependencies(): Promise<string> {
  await promisify(execFile)(process.execPath, [path.join(repoRoot, 'build/bundle.mjs')]);
  const meta = JSON.parse(await readFile(path.join(repoRoot, 'dist/agent.meta.json'), 'utf8')) as Metafile;
  const files = Object.values(meta.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 && file.includes('node_modules/') ? [file] : [])),
  );
  const dirs = [...new Set(files.map(packageDirOf))];
  const lines = await Promise.all(
    dirs.map(async (dir) => {
      const { name, version } = JSON.parse(await readFile(path.join(repoRoot, dir, 'package.json'), 'utf8')) as Record<string, string>;
      return `${name} ${version}`;
    }),
  );
  return `${lines.sort().join('\n')}\n`;
}

function packageDirOf(file: string): string {
  return `${file.slice(0, file.lastIndexOf('node_modules/'))}node_modules/${packageNameOf(file)}`;
}
