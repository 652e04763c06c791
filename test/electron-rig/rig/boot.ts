/** Entry of what passes for Electron's executable: the arguments are what that would get. */
import { readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { rigApp } from './app.ts';
import { startBrowser } from './chromium/browser.ts';
import { provideElectron } from './module-hook.ts';
import { configure } from './options.ts';
import { routeEvents } from './targets.ts';

const { env } = process;
const args = process.argv.slice(2);
const appArgument = path.resolve(args.find((argument) => !argument.startsWith('-')) ?? '.');
const isDirectory = statSync(appArgument).isDirectory();
const appPath = isDirectory ? appArgument : path.dirname(appArgument);
const manifest: { name?: string; productName?: string; version?: string; main?: string } = isDirectory
  ? JSON.parse(readFileSync(path.join(appPath, 'package.json'), 'utf8'))
  : { name: 'Electron', main: path.basename(appArgument) };
const name = manifest.productName ?? manifest.name ?? 'Electron';
const userDataArgument = args.find((argument) => argument.startsWith('--user-data-dir='));
const userDataDir =
  userDataArgument?.slice('--user-data-dir='.length) ?? path.join(env.XDG_CONFIG_HOME ?? path.join(os.homedir(), '.config'), name);

/** As glib finds them: LANGUAGE is a list, the others hold one (`ko_KR.UTF-8`). */
function languages(): string[] {
  const names = [...(env.LANGUAGE ?? '').split(':'), env.LC_ALL, env.LC_MESSAGES, env.LANG];
  const tags = names.flatMap((locale) => {
    const tag = locale?.split(/[.@]/)[0]?.replace('_', '-');
    return tag && tag !== 'C' && tag !== 'POSIX' ? [tag] : [];
  });
  return tags.length > 0 ? [...new Set(tags)] : ['en-US'];
}

Object.assign(process.versions, { electron: '45.4.1', chrome: '156.0.0.0' });
Object.defineProperty(process, 'type', { value: 'browser' });
Object.defineProperty(process, 'resourcesPath', { value: path.join(appPath, 'resources') });
process.argv = [process.argv[0] ?? 'electron', ...args];
configure({
  userDataDir,
  headless: env.ELECTRON_RIG_HEADED !== '1',
  switches: JSON.parse(env.ELECTRON_RIG_SWITCHES ?? '[]') as string[],
  browserHome: env.ELECTRON_RIG_HOME ?? null,
  verbose: env.ELECTRON_RIG_VERBOSE === '1',
  appPath,
  argv: process.argv,
  name,
  version: manifest.version ?? '0.0.0',
  languages: languages(),
});
provideElectron();

async function main(): Promise<void> {
  // As in Electron, the app's main file runs before 'ready'.
  await import(pathToFileURL(path.join(appPath, manifest.main ?? 'index.js')).href);
  // A second instance that has handed over gets no browser.
  if (rigApp.isQuitting) return;
  await startBrowser(
    [...rigApp.appended].map(([key, value]) => (value === '' ? `--${key}` : `--${key}=${value}`)),
    (cdp) => {
      routeEvents(cdp);
      cdp.onClosed(() => {
        if (!rigApp.isQuitting) rigApp.exit(1);
      });
    },
  );
  rigApp.markReady();
}

process.on('uncaughtException', (error) => console.error('A JavaScript error occurred in the main process\n', error));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => rigApp.exit(0));
main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
