import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { accountFor } from './embedded-account.ts';
import { type Binaries, embeddedBinaries } from './embedded-binaries.ts';
import { credentialsOf } from './embedded-credentials.ts';
import { checkVersion, dataExists, initialise, makeDirs, sweepDrafts } from './embedded-init.ts';
import { lockDir } from './embedded-lock.ts';
import { type Address, adminUrl, ensureDatabase, urlOf } from './embedded-roles.ts';
import { adoptOrStart, type ServerPlace, stopServer } from './embedded-server.ts';
import { checkSocketPath, listenSettings, SOCKET_PORT, serverSettings } from './embedded-settings.ts';
import { keepRunning } from './embedded-watch.ts';
import { readPostmaster } from './postmaster-file.ts';
import type { Processes } from './process-life.ts';
import { APP_ROLE, OWNER_ROLE } from './roles.ts';

export interface Machine extends Processes {
  platform: string;
  arch: string;
  /** Null where there are no user ids. */
  uid: number | null;
}

export interface EmbeddedOptions {
  /** Absolute. Everything of the server is in here: data, socket, passwords, log. */
  dir: string;
  machine: Machine;
  database?: string;
  /** Another PostgreSQL than the one that npm brought. */
  binaries?: Binaries;
  /** Further settings, `name=value`; they win over those of this program. */
  settings?: readonly string[];
  /** False for tests alone: what is committed may then be lost with the machine. */
  durable?: boolean;
  say?(line: string): void;
}

export interface Embedded {
  /** Of the server that was there first; it is another one after a restart. */
  pid: number;
  adopted: boolean;
  appUrl: string;
  ownerUrl: string;
  /** Of the superuser, in the database `postgres`. */
  adminUrl: string;
  stop(): Promise<void>;
}

const DEFAULT_DATABASE = 'deskwarden';

/**
 * A PostgreSQL of the fleet's own, made where there is none, adopted where one outlived its fleet process, and started again
 * when it dies. Rejects with an `EmbeddedFault` that says what to do; `in-use` while another fleet process keeps it.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { dir, machine, database = DEFAULT_DATABASE } = options;
  if (!path.isAbsolute(dir)) throw new TypeError(`the data directory must be absolute, not ${dir}`);
  const socketDir = machine.platform === 'win32' ? null : path.join(dir, 'socket');
  if (socketDir !== null) checkSocketPath(socketDir);
  await mkdir(dir, { recursive: true, mode: machine.uid === 0 ? 0o711 : 0o700 });
  const unlock = await lockDir(dir, machine);
  try {
    const { place, credentials } = await preparePlace(options, socketDir);
    const running = await adoptOrStart(place, machine);
    const address: Address = { host: socketDir ?? '127.0.0.1', port: running.port };
    await ensureDatabase(address, credentials, database);
    const endWatch = keepRunning(place, running, machine, options.say ?? (() => undefined));
    return {
      pid: running.pid,
      adopted: running.adopted,
      appUrl: urlOf(address, APP_ROLE, credentials.app, database),
      ownerUrl: urlOf(address, OWNER_ROLE, credentials.owner, database),
      adminUrl: adminUrl(address, credentials),
      stop: async () => {
        await endWatch();
        await stopServer(place, machine);
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function preparePlace(options: EmbeddedOptions, socketDir: string | null) {
  const { dir, machine, durable = true } = options;
  const dataDir = path.join(dir, 'data');
  const binaries = options.binaries ?? embeddedBinaries(machine.platform, machine.arch);
  const account = await accountFor(dataDir, machine.uid);
  if (socketDir !== null) await makeDirs(socketDir, account);
  await sweepDrafts(dir);
  const exists = await dataExists(dataDir);
  const credentials = await credentialsOf(dir, exists);
  if (exists) await checkVersion(dataDir, binaries, account);
  else await initialise({ dir, dataDir, binaries, account, password: credentials.admin, durable });
  const listen = listenSettings(socketDir, socketDir === null ? await freePort() : SOCKET_PORT);
  const place: ServerPlace = {
    dir,
    dataDir,
    binaries,
    account,
    settings: [...listen, ...serverSettings(durable), ...(options.settings ?? [])],
  };
  return { place, credentials };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** For a program beside the server, like the CLI: the addresses of one that another fleet process keeps. */
export async function joinEmbedded(dir: string, database: string = DEFAULT_DATABASE): Promise<{ appUrl: string; ownerUrl: string } | null> {
  const running = await readPostmaster(path.join(dir, 'data'));
  if (running?.status !== 'ready') return null;
  const credentials = await credentialsOf(dir, true);
  const address: Address = { host: running.socketDir || '127.0.0.1', port: running.port };
  return { appUrl: urlOf(address, APP_ROLE, credentials.app, database), ownerUrl: urlOf(address, OWNER_ROLE, credentials.owner, database) };
}
