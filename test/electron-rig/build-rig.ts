import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;
const sourceDir = path.join(here, 'rig');
/** `bin/electron` starts what lies here. */
const outDir = path.join(here, '..', '..', 'node_modules', '.cache', 'electron-rig');
const outNames = ['boot.cjs', 'utility.cjs'] as const;

/** Bundles the rig if a source is newer than the bundle. Returns the directory that passes for Electron's distribution. */
export async function buildRig(): Promise<string> {
  if (!isFresh()) {
    await mkdir(outDir, { recursive: true });
    // Several test files may build at once: each one in its own directory, and a rename is at once.
    const staged = await mkdtemp(path.join(outDir, 'build-'));
    try {
      await build({
        entryPoints: { boot: path.join(sourceDir, 'boot.ts'), utility: path.join(sourceDir, 'utility.ts') },
        outdir: staged,
        outExtension: { '.js': '.cjs' },
        bundle: true,
        format: 'cjs',
        platform: 'node',
        target: 'node20',
        logLevel: 'warning',
      });
      for (const name of [...outNames].reverse()) await rename(path.join(staged, name), path.join(outDir, name));
    } finally {
      await rm(staged, { recursive: true, force: true });
    }
  }
  return path.join(here, 'bin');
}

function isFresh(): boolean {
  const bundles = outNames.map((name) => path.join(outDir, name));
  if (!bundles.every((bundle) => existsSync(bundle))) return false;
  const builtAt = Math.min(...bundles.map((bundle) => statSync(bundle).mtimeMs));
  const sources = readdirSync(sourceDir, { recursive: true, withFileTypes: true });
  // A directory's own time tells that a source was removed.
  const times = [sourceDir, ...sources.map((entry) => path.join(entry.parentPath, entry.name))].map((file) => statSync(file).mtimeMs);
  return Math.max(...times) < builtAt;
}
