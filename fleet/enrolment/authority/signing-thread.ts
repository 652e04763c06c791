// By another name: the bundle's banner brings a `createRequire` of its own.
import { createRequire as requireFrom } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { SignerOptions } from './signer.ts';

/** Where the worker's code lies: beside this file from source, beside the program when it is bundled. */
export function signingThread(): Pick<SignerOptions, 'entry' | 'execArgv'> {
  if (!import.meta.url.endsWith('.ts')) return { entry: new URL('./signing-worker.js', import.meta.url), execArgv: [] };
  // Node 20 hands no loader down to its threads, and tsx registers none there by itself.
  // Its CommonJS twin, which `require` finds, cannot register by itself.
  const tsx = new URL('index.mjs', pathToFileURL(requireFrom(import.meta.url).resolve('tsx/esm/api')));
  return {
    entry: new URL('./signing-worker.ts', import.meta.url),
    execArgv: ['--import', `data:text/javascript,import { register } from "${tsx.href}"; register()`],
  };
}
