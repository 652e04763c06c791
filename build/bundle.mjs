// Bundles the shipped programs into dist/. Plain JavaScript, because `npm ci` runs it before anything is built.
// `--e2e`: only the tray app, into dist/app-e2e, so that tests may look inside.
import { chmod, cp, mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleApp } from './bundle-app.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const agent = {
  name: 'agent',
  // The child beside the entry and not in a directory of its own: a chunk finds it by `./system-lookup-child.js`.
  entryPoints: { deskwarden: 'agent/deskwarden.ts', 'system-lookup-child': 'agent/host/system-lookup-child.ts' },
  packages: 'bundle',
};
// A server is installed with its packages; PostgreSQL’s binaries could not be bundled.
const fleet = {
  name: 'fleet',
  entryPoints: { 'deskwarden-fleet': 'fleet/deskwarden-fleet.ts', 'signing-worker': 'fleet/enrolment/authority/signing-worker.ts' },
  packages: 'external',
};

/** `yaml` is CommonJS under Node and asks for `process` and `buffer` by `require`. */
const requireBanner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

const esbuild = await import('esbuild').catch(() => undefined);
const vite = await import('vite').catch(() => undefined);
if (esbuild && vite && process.argv.includes('--e2e')) {
  await bundleApp({ esbuild, vite, root, outName: 'app-e2e' });
} else if (esbuild && vite) {
  try {
    await bundle(esbuild, agent);
    await bundle(esbuild, fleet);
    await cp(path.join(root, 'fleet', 'db', 'migrations'), path.join(dirOf(fleet), 'migrations'), { recursive: true });
    await linkPrograms();
    await bundleApp({ esbuild, vite, root, outName: 'app' });
  } catch (error) {
    // esbuild has shown its own errors, with file and line.
    if (!error.errors) console.error(error);
    process.exitCode = 1;
  }
} else if (await exists(programOf(agent))) {
  console.log('build/bundle.mjs: esbuild is missing (devDependencies were left out); keeping the dist/ that is there');
  await linkPrograms();
} else {
  console.error('build/bundle.mjs: esbuild is missing (devDependencies were left out) and there is no dist/: run `npm ci`');
  process.exitCode = 1;
}

function dirOf({ name }) {
  return path.join(root, 'dist', name);
}

/** The first entry is the program that people call. */
function programOf(room) {
  return path.join(dirOf(room), `${Object.keys(room.entryPoints)[0]}.js`);
}

async function bundle({ build }, room) {
  const outdir = dirOf(room);
  const result = await build({
    absWorkingDir: root,
    entryPoints: room.entryPoints,
    packages: room.packages,
    outdir,
    chunkNames: 'chunk-[hash]',
    splitting: true,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    charset: 'utf8',
    legalComments: 'none',
    ...(room.packages === 'bundle' && { banner: { js: requireBanner } }),
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  await mkdir(outdir, { recursive: true });
  // Chunks before entries and each file by rename, so that a run meanwhile never meets half a bundle.
  const files = result.outputFiles.toSorted((a, b) => rank(a.path) - rank(b.path));
  for (const file of files) await replaceFile(file.path, file.text, programOf(room));
  await chmod(programOf(room), 0o755);
  await writeFile(path.join(root, 'dist', `${room.name}.meta.json`), JSON.stringify(result.metafile));
  const written = new Set(files.map((file) => path.basename(file.path)));
  // Only what ends in .js: the others may be files that another run is about to rename.
  const stale = (await readdir(outdir)).filter((name) => name.endsWith('.js') && !written.has(name));
  await Promise.all(stale.map((name) => rm(path.join(outdir, name), { force: true })));
}

function rank(filePath) {
  return path.basename(filePath).startsWith('chunk-') ? 0 : 1;
}

async function replaceFile(filePath, text, programPath) {
  const shebang = filePath === programPath && !text.startsWith('#!') ? '#!/usr/bin/env node\n' : '';
  const freshPath = `${filePath}.${process.pid}`;
  await writeFile(freshPath, shebang + text);
  await rename(freshPath, filePath);
}

/**
 * For `npx deskwarden` and `npx deskwarden-fleet` in a clone: npm links the bins of dependencies only. package.json names no `bin`, since npx would
 * then install the project into its cache first, which needs the network and an approval of our own `prepare`.
 */
async function linkPrograms() {
  const binDir = path.join(root, 'node_modules', '.bin');
  if (!(await exists(path.dirname(binDir)))) return;
  await mkdir(binDir, { recursive: true });
  for (const room of [agent, fleet]) {
    const programPath = programOf(room);
    const relative = path.relative(binDir, programPath);
    const link = path.join(binDir, path.basename(programPath, '.js'));
    await rm(link, { force: true });
    if (process.platform === 'win32') {
      // npx looks for the bare name and then has cmd.exe find the .cmd; Git Bash runs the bare one.
      await writeFile(link, `#!/bin/sh\nexec node "$(dirname "$0")/${relative.replaceAll('\\', '/')}" "$@"\n`);
      await writeFile(`${link}.cmd`, `@node "%~dp0\\${relative}" %*\r\n`);
    } else {
      await symlink(relative, link);
    }
  }
}

async function exists(filePath) {
  return stat(filePath).then(
    () => true,
    () => false,
  );
}
