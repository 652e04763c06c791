import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'vite';
import config from '../../../renderer/vite.config.ts';

/** The app's pages, as the release has them, into `outDir`. Gives bytes by file name. */
export async function buildPosture(outDir: string): Promise<Map<string, Buffer>> {
  // Vite goes by it, and vitest has it at `test`: React would come in its slow and wordy form.
  process.env.NODE_ENV = 'production';
  const result = await build({
    ...config,
    // Given as a file, its pages would be added to ours.
    configFile: false,
    logLevel: 'warn',
    define: { __E2E__: 'false' },
    build: {
      ...config.build,
      outDir,
    },
  });
  if (!('output' in result)) throw new Error('expected one build');
  const files = result.output.map(({ fileName }) => fileName);
  return new Map(await Promise.all(files.map(async (name) => [name, await readFile(path.join(outDir, name))] as const)));
}
