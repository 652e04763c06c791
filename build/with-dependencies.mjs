// Runs a TypeScript program of this repository, after `npm ci` where a fresh clone or a changed lock file wants it.
// Plain JavaScript and Node alone: it is what runs when nothing is installed yet.
import { spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const [program, ...args] = process.argv.slice(2);

// A terminal's Ctrl-C reaches the child too; this process waits for it, so that its clean-up is seen to its end.
let child;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (!(signal === 'SIGINT' && process.stdin.isTTY)) child?.kill(signal);
  });
}

if (await wantsInstall()) {
  console.error('Installing what package-lock.json names (npm ci) ...');
  // npm is a script of its own on Windows and cannot be spawned without a shell there; this is npm's own path of itself.
  const npm = process.env.npm_execpath;
  const code = npm ? await run(process.execPath, [npm, 'ci', '--no-audit', '--no-fund', '--loglevel=error']) : await run('npm', ['ci']);
  if (code !== 0) process.exit(code);
}
const tsx = pathToFileURL(path.join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href;
process.exitCode = await run(process.execPath, ['--import', tsx, path.join(root, program), ...args]);

async function wantsInstall() {
  const [wanted, installed] = await Promise.all([modified('package-lock.json'), modified('node_modules/.package-lock.json')]);
  return installed === undefined || (wanted !== undefined && wanted > installed);
}

function modified(file) {
  return stat(path.join(root, file)).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
}

function run(file, argv) {
  return new Promise((resolve, reject) => {
    child = spawn(file, argv, { stdio: 'inherit', cwd: root });
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}
