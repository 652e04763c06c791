#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import packageFile from '../package.json' with { type: 'json' };
import type { FeedSource } from './allowlist/read-feed.ts';
import type { Context } from './cli/command.ts';
import { commands } from './cli/commands.ts';
import { runProgram } from './cli/program.ts';
import { ConfigFault, type FleetConfig, readFleetConfig } from './config.ts';
import { createLog } from './log.ts';
import { readSecret } from './secrets/read-secret.ts';
import type { StorePlace } from './store.ts';

// The composition root: the only place of the fleet server that reads the environment and the platform.
const { env } = process;
const { version } = packageFile;

const stopped = new AbortController();
const stopSignals = ['SIGINT', 'SIGTERM'] as const;
for (const signal of stopSignals) process.once(signal, () => stopped.abort(signal));

const resolveSecret = (reference: string) => readSecret(reference, { env });
const log = createLog((line) => process.stdout.write(line));

function place(config: FleetConfig, onFault: StorePlace['onFault']): StorePlace {
  const appUrl = env.DATABASE_URL;
  return {
    config,
    machine: {
      platform: process.platform,
      arch: process.arch,
      uid: process.getuid?.() ?? null,
      pid: process.pid,
      kill: process.kill.bind(process),
    },
    resolveSecret,
    addressInEnvironment: appUrl === undefined || appUrl === '' ? null : { appUrl, ownerUrl: env.MIGRATE_DATABASE_URL || null },
    now: () => new Date(),
    onFault,
  };
}

function feedOf({ allowlistFeed }: FleetConfig): FeedSource | null {
  if (allowlistFeed === 'none') return null;
  const url = allowlistFeed.startsWith('https:') ? new URL(allowlistFeed) : pathToFileURL(allowlistFeed);

  return { url, proxy: env };
}

function makeContext(configPath = env.DESKWARDEN_FLEET_CONFIG || '/etc/deskwarden-fleet/fleet.yaml'): Context {
  async function config(): Promise<FleetConfig> {
    const text = await readFile(configPath, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new ConfigFault(
        `${configPath} cannot be read (${error.code}): name the configuration by --config FILE or DESKWARDEN_FLEET_CONFIG`,
      );
    });
    return readFleetConfig(text, configPath);
  }
  return {
    version,
    configPath,
    color: Boolean(process.stdout.isTTY) && !env.NO_COLOR && env.TERM !== 'dumb',
    columns: process.stdout.columns ?? 0,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    config,
    stopped: stopped.signal,
    async readStdin() {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString('utf8');
    },
    async withStore(work) {
      const { openStoreBeside } = await import('./store.ts');
      const store = await openStoreBeside(place(await config(), (what, detail) => process.stderr.write(`${what}: ${detail}\n`)));
      try {
        return await work(store);
      } finally {
        await store.close();
      }
    },
    async serve() {
      // A second signal, as from a terminal and from npm, cuts no stop short: that ends by itself.
      for (const signal of stopSignals) process.on(signal, () => undefined);
      const [{ openStore }, { startServer }] = await Promise.all([import('./store.ts'), import('./server.ts')]);
      const settings = await config();
      const store = await openStore(place(settings, (what, detail) => log({ event: 'fault', what, detail })));
      try {
        const assetsDir = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
        const server = await startServer({ store, version, assetsDir, feed: feedOf(settings), resolveSecret, event: log });
        await aborted(stopped.signal);
        await server.stop();
      } finally {
        await store.close();
      }
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

process.exitCode = await runProgram(process.argv.slice(2), commands, makeContext);
