import os from 'node:os';
import path from 'node:path';
import type { DaemonConfig } from '../../contracts/config.ts';
import { LedgerFile } from '../../contracts/ledger.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import type { Nft } from '../gate/egress/nft.ts';
import { readLog } from './log-lines.ts';
import { factsOf, listFiles, readTail, type Unreadable, whyNot } from './read-files.ts';

/** A local disk answers in milliseconds; one that hangs must not keep the rest from being written. */
const SECTION_MS = 10_000;

/** A policy file of ours has some 2 KiB. */
const MAX_OWN_FILE_BYTES = 32 * 1024;
const MAX_LEDGER_BYTES = 1024 * 1024;
const MOST_TABLES = 10;

export interface BundleRequest {
  config: DaemonConfig;
  snapshot: Snapshot | { unavailable: string };
}

export interface BundleParts {
  version: string;
  platform: string;
  wallMs: () => number;
  nft: Pick<Nft, 'run'>;
  /** os-release(5); in /etc it is a link to this one. */
  osReleasePath?: string;
}

/**
 * What a support person needs to know of this desk, not yet redacted. Never rejects: a section that cannot be read says why.
 */
export async function collectBundle({ config, snapshot }: BundleRequest, parts: BundleParts): Promise<Record<string, unknown>> {
  const { version, platform, wallMs, nft, osReleasePath = '/usr/lib/os-release' } = parts;
  const [osRelease, state, ledger, firewall, log] = await Promise.all([
    section(readTail(osReleasePath, MAX_OWN_FILE_BYTES)),
    section(listFiles(config.stateDir)),
    section(readLedger(config.stateDir)),
    section(readFirewall(nft)),
    section(readLog(config.logDir)),
  ]);
  const logs = 'unreadable' in log ? { log } : Object.fromEntries(Object.entries(log).map(([name, lines]) => [`log ${name}`, lines]));
  return {
    made: { at: new Date(wallMs()).toISOString(), version },
    platform: {
      platform,
      arch: os.arch(),
      kernel: os.release(),
      node: process.version,
      upSec: Math.round(os.uptime()),
      cpus: os.cpus().length,
      memoryMiB: { total: Math.round(os.totalmem() / 2 ** 20), free: Math.round(os.freemem() / 2 ** 20) },
      load: os.loadavg(),
      osRelease: 'unreadable' in osRelease ? osRelease : osRelease.text.split('\n').filter((line) => line !== ''),
    },
    config,
    daemon: snapshot,
    state,
    ledger,
    firewall,
    ...logs,
  };
}

/** What the ledger names, and what is really there. */
async function readLedger(stateDir: string): Promise<object> {
  const read = await readTail(path.join(stateDir, 'ledger.json'), MAX_LEDGER_BYTES);
  if ('unreadable' in read) return read;
  let value: unknown;
  try {
    value = JSON.parse(read.text);
  } catch (error) {
    return { unreadable: whyNot(error) };
  }
  const parsed = LedgerFile.safeParse(value);
  if (!parsed.success) return { unreadable: 'not a ledger' };
  const found = parsed.data.entries.map(async (entry) => {
    if (!('path' in entry)) return { entry };
    const there = await factsOf(entry.path);
    const content = entry.kind === 'file' ? await readTail(entry.path, MAX_OWN_FILE_BYTES) : undefined;
    return { entry, there, ...(content === undefined ? {} : { content: 'text' in content ? content.text : content }) };
  });
  return { entries: await Promise.all(found) };
}

/** Tables of ours as the kernel has them. */
async function readFirewall(nft: Pick<Nft, 'run'>): Promise<Record<string, unknown> | Unreadable> {
  const listed = await nft.run(['list', 'tables']);
  if (!listed.ok) return { unreadable: listed.detail };
  const tables = [...listed.text.matchAll(/^table (\w+) (deskwarden\w*)$/gm)].slice(0, MOST_TABLES);
  const shown = tables.map(async ([, family = '', name = '']) => {
    const table = await nft.run(['list', 'table', family, name]);
    return [`${family} ${name}`, table.ok ? table.text.split('\n') : { unreadable: table.detail }];
  });
  return Object.fromEntries(await Promise.all(shown));
}

function section<T extends object>(reading: Promise<T>): Promise<T | Unreadable> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Unreadable>((resolve) => {
    timer = setTimeout(() => resolve({ unreadable: `not read in ${SECTION_MS} ms` }), SECTION_MS);
  });
  const failed = (error: unknown): Unreadable => ({ unreadable: whyNot(error) });
  return Promise.race([reading.catch(failed), late]).finally(() => clearTimeout(timer));
}
