// `npm run app`: starts the tray app of this clone. Arguments go to it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { repoRoot } from '../repo.ts';
import { findElectron } from './find-electron.ts';

/** As for a command that cannot be found. */
const EXIT_NO_ELECTRON = 127;

const appDir = path.join(repoRoot, 'dist', 'app');
const found = findElectron(repoRoot, process.platform, process.env.ELECTRON_OVERRIDE_DIST_PATH, existsSync);

if (!found.ok) {
  for (const line of found.lines) console.error(line);
  process.exitCode = EXIT_NO_ELECTRON;
} else if (!existsSync(path.join(appDir, 'main.cjs'))) {
  console.error(`There is no tray app in ${appDir}: run \`npm ci\`, or \`node build/bundle.mjs\`.`);
  process.exitCode = 1;
} else {
  const child = spawn(found.program, [appDir, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`${found.program}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
