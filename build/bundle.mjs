// Bundles the shipped programs into dist/. Plain JavaScript, because `npm ci` runs it before anything is built.
import { chmod, mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const agentDir = path.join(root, 'dist', 'agent');
const cliPath = path.join(agentDir, 'deskwarden.js');

/** `yaml` is CommonJS under Node and asks for `process` and `buffer` by `require`. */
const requireBanner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

const esbuild = await import('esbuild').catch(() => undefined);
if (esbuild) {
  try {
    await bundleAgent(esbuild);
    await linkCli();
  } catch (error) {
    // esbuild has shown its own errors, with file and line.
    if (!error.errors) console.error(error);
    process.exitCode = 1;
  }
} else if (await exists(cliPath)) {
  console.log('build/bundle.mjs: esbuild is missing (devDependencies were left out); keeping the dist/ that is there');
  await linkCli();
} else {
  console.error('build/bundle.mjs: esbuild is missing (devDependencies were left out) and there is no dist/: run `npm ci`');
  process.exitCode = 1;
}

async function bundleAgent({ build }) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: { deskwarden: 'agent/deskwarden.ts', 'system-lookup-child': 'agent/host/system-lookup-child.ts' },
    outdir: agentDir,
    // Beside the entries and not in a directory of their own: a chunk finds the child by `./system-lookup-child.js`.
    chunkNames: 'chunk-[hash]',
    splitting: true,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    charset: 'utf8',
    legalComments: 'none',
    banner: { js: requireBanner },
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  await mkdir(agentDir, { recursive: true });
  // Chunks before entries and each file by rename, so that a run meanwhile never meets half a bundle.
  const files = result.outputFiles.toSorted((a, b) => rank(a.path) - rank(b.path));
  for (const file of files) await replaceFile(file.path, file.text);
  await chmod(cliPath, 0o755);
  await writeFile(path.join(root, 'dist', 'agent.meta.json'), JSON.stringify(result.metafile));
  const written = new Set(files.map((file) => path.basename(file.path)));
  // Only what ends in .js: the others may be files that another run is about to rename.
  const stale = (await readdir(agentDir)).filter((name) => name.endsWith('.js') && !written.has(name));
  await Promise.all(stale.map((name) => rm(path.join(agentDir, name), { force: true })));
}

function rank(filePath) {
  return path.basename(filePath).startsWith('chunk-') ? 0 : 1;
}

async function replaceFile(filePath, text) {
  const shebang = filePath === cliPath && !text.startsWith('#!') ? '#!/usr/bin/env node\n' : '';
  const freshPath = `${filePath}.${process.pid}`;
  await writeFile(freshPath, shebang + text);
  await rename(freshPath, filePath);
}

/**
 * For `npx deskwarden` in a clone: npm links the bins of dependencies only. package.json names no `bin`, since npx would
 * then install the project into its cache first, which needs the network and an approval of our own `prepare`.
 */
async function linkCli() {
  const binDir = path.join(root, 'node_modules', '.bin');
  if (!(await exists(path.dirname(binDir)))) return;
  await mkdir(binDir, { recursive: true });
  const link = path.join(binDir, 'deskwarden');
  await rm(link, { force: true });
  if (process.platform === 'win32') {
    // npx looks for the bare name and then has cmd.exe find the .cmd; Git Bash runs the bare one.
    await writeFile(link, '#!/bin/sh\nexec node "$(dirname "$0")/../../dist/agent/deskwarden.js" "$@"\n');
    await writeFile(`${link}.cmd`, '@node "%~dp0\\..\\..\\dist\\agent\\deskwarden.js" %*\r\n');
  } else {
    await symlink(path.relative(binDir, cliPath), link);
  }
}

async function exists(filePath) {
  return stat(filePath).then(
    () => true,
    () => false,
  );
}
