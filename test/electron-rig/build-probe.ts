import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';

/** Bundles the probe as an app of its own. */
export async function buildProbe(appDir: string): Promise<void> {
  const source = (name: string) => path.join(import.meta.dirname, 'probe', `${name}.ts`);
  await build({
    entryPoints: { main: source('main'), preload: source('preload'), child: source('child') },
    outdir: appDir,
    outExtension: { '.js': '.cjs' },
    external: ['electron'],
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
  await writeFile(path.join(appDir, 'package.json'), JSON.stringify({ name: 'probe', version: '0.0.1', main: 'main.cjs' }));
}
