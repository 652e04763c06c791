#!/usr/bin/env node
import process from 'node:process';
import { bundledAllowlist } from '../checks/allowlist/bundled.ts';
import { catalog } from '../checks/catalog.ts';
import type { Platform } from '../checks/host.ts';
import packageFile from '../package.json' with { type: 'json' };
import type { Desk } from './cli/desk.ts';
import { type Environment, main } from './cli/main.ts';
import { systemClock } from './host/clock.ts';
import { createDaemonHost } from './host/daemon-host.ts';
import { createNet } from './host/net.ts';
import type { ProxyEnv } from './host/proxy-settings.ts';
import { runOnce } from './run/one-shot.ts';

// The composition root: the only place of the agent that reads the environment and the platform.
const { env } = process;

/** An empty variable counts as none, as NO_COLOR and POSIX locales have it. */
function named(...names: string[]): string | undefined {
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== '');
}

function readPlatform(): Platform {
  return process.platform === 'win32' || process.platform === 'darwin' ? process.platform : 'linux';
}

function readEnvironment(platform: Platform): Environment {
  const isDumb = env.TERM === 'dumb';
  const characters = named('LC_ALL', 'LC_CTYPE', 'LANG');
  return {
    language: named('LC_ALL', 'LC_MESSAGES', 'LANG') ?? Intl.DateTimeFormat().resolvedOptions().locale,
    unicode: platform !== 'linux' && characters === undefined ? true : /utf-?8/i.test(characters ?? ''),
    color: named('NO_COLOR') === undefined && !isDumb,
    live: named('CI') === undefined && !isDumb,
    debug: named('DESKWARDEN_DEBUG') === '1',
  };
}

function readProxyEnv(): ProxyEnv {
  const httpsProxy = named('https_proxy', 'HTTPS_PROXY');
  const noProxy = named('no_proxy', 'NO_PROXY');
  return { ...(httpsProxy === undefined ? {} : { httpsProxy }), ...(noProxy === undefined ? {} : { noProxy }) };
}

/** From source there is no built child process beside this file. */
const fromSource = import.meta.url.endsWith('.ts')
  ? { systemLookupPath: new URL('./host/system-lookup-child.ts', import.meta.url), systemLookupArgs: process.execArgv }
  : {};

const platform = readPlatform();
const proxyEnv = readProxyEnv();

const desk: Desk = {
  version: packageFile.version,
  checks: catalog,
  allowlist: bundledAllowlist,
  run({ policy, plan, only, signal, onProgress }) {
    const vantage = policy.features.vdi ? 'vdi-guest' : 'endpoint';
    return runOnce({
      policy,
      plan,
      allowlist: plan.allowlist,
      checks: catalog,
      ...(only === null ? {} : { only }),
      vantage,
      clock: systemClock,
      signal,
      onProgress,
      makeHost(roundSignal) {
        const net = createNet({
          plan,
          proxyEnv,
          env,
          signal: roundSignal,
          ...fromSource,
          onStep: (endpoint, step, state, detail) => onProgress({ kind: 'endpoint', endpoint, step, state, detail }),
        });
        // One run remembers nothing of earlier ones; the daemon keeps that memory.
        const memory = { turnAnswered: () => false };
        return { host: createDaemonHost({ platform, vantage, net, memory }), close: () => net.close() };
      },
    });
  },
};

await main(process.argv.slice(2), desk, readEnvironment(platform));
