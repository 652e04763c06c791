// Bundles the tray app into a directory that holds all that is shipped of it. Plain JavaScript, as `bundle.mjs`.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * `outName` under dist/: `app` is what is released; in `app-e2e`, `__E2E__` is true and tests may look inside.
 * @param {{ esbuild: typeof import('esbuild'), vite: typeof import('vite'), root: string, outName: 'app' | 'app-e2e' }} options
 */
export async function bundleApp({ esbuild, vite, root, outName }) {
  const target = path.join(root, 'dist', outName);
  const staged = `${target}.${process.pid}`;
  const define = { __E2E__: String(outName === 'app-e2e') };
  try {
    await mkdir(staged, { recursive: true });
    const { metafile } = await esbuild.build({
      absWorkingDir: root,
      entryPoints: { main: 'main/main.ts', preload: 'main/preload.ts' },
      outExtension: { '.js': '.cjs' },
      outdir: staged,
      external: ['electron'],
      bundle: true,
      format: 'cjs',
      platform: 'node',
      target: 'node24',
      charset: 'utf8',
      legalComments: 'none',
      // What only tests may use is gone from the release, and not merely never reached.
      minifySyntax: true,
      loader: { '.png': 'file' },
      assetNames: 'icons/[name]',
      define,
      metafile: true,
      logLevel: 'warning',
    });
    await vite.build({
      configFile: path.join(root, 'renderer', 'vite.config.ts'),
      define,
      logLevel: 'warn',
      build: { outDir: path.join(staged, 'ui'), emptyOutDir: true },
    });
    // The packaged app has this package.json and no dependencies: everything is in the bundles.
    const { name, version, license } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
    const manifest = { name, productName: 'Deskwarden', version, license, main: 'main.cjs', private: true };
    await writeFile(path.join(staged, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    await replaceDirectory(staged, target);
    await writeFile(`${target}.meta.json`, JSON.stringify(metafile));
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

/** As close to at once as directories allow, for whoever starts the app meanwhile. */
async function replaceDirectory(staged, target) {
  const old = `${target}.old-${process.pid}`;
  if (existsSync(target)) await rename(target, old);
  await rename(staged, target);
  await rm(old, { recursive: true, force: true });
}
