import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { repoRoot } from '../repo.ts';
import { runNode } from '../run-step.ts';
import { CannotPackage } from './node-runtime.ts';

const Meta = z.object({ inputs: z.record(z.string(), z.unknown()) });

/** The bundled agent, bundled again when one of its sources is newer. Throws `CannotPackage`. */
export async function freshBundle(): Promise<string> {
  if (await isStale()) {
    const { ok, output } = await runNode(['build/bundle.mjs'], { show: false });
    if (!ok) throw new CannotPackage(`the agent cannot be bundled:\n${output}`);
  }
  return path.join(repoRoot, 'dist', 'agent');
}

async function isStale(): Promise<boolean> {
  const metaPath = path.join(repoRoot, 'dist', 'agent.meta.json');
  try {
    const builtMs = (await stat(metaPath)).mtimeMs;
    const { inputs } = Meta.parse(JSON.parse(await readFile(metaPath, 'utf8')));
    const changed = await Promise.all(['build/bundle.mjs', ...Object.keys(inputs)].map((file) => stat(path.join(repoRoot, file))));
    return changed.some(({ mtimeMs }) => mtimeMs > builtMs);
  } catch {
    // Never bundled, or a source is gone.
    return true;
  }
}
