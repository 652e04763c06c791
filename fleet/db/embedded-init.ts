import { randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Binaries } from './embedded-binaries.ts';
import { EmbeddedFault, faultOf } from './embedded-fault.ts';
import { type Account, runProgram } from './run-program.ts';

/** Writes about 40 MB and syncs it; a slow disk of a busy machine. */
const INITDB_MS = 180_000;
/** The role that initdb makes; used to make the other roles and for nothing else. */
export const ADMIN_ROLE = 'deskwarden_admin';

const DRAFT = 'data-draft-';

export function dataExists(dataDir: string): Promise<boolean> {
  return stat(path.join(dataDir, 'PG_VERSION')).then(
    () => true,
    () => false,
  );
}

/** What killed processes left half-made. Their initdb may still write there, and gives up as soon as it notices. */
export async function sweepDrafts(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!name.startsWith(DRAFT)) continue;
    // What resists goes at the next start.
    await rm(path.join(dir, name), { recursive: true, force: true, maxRetries: 5 }).catch(() => undefined);
  }
}

export interface Init {
  dir: string;
  dataDir: string;
  binaries: Binaries;
  account: Account;
  password: string;
  durable: boolean;
}

/** Makes the data directory beside its place and moves it there whole, so that one left by a kill is never taken for good. */
export async function initialise({ dir, dataDir, binaries, account, password, durable }: Init): Promise<void> {
  // A name of its own: an initdb whose fleet was killed still runs, and clears its directory when it fails.
  const draftDir = path.join(dir, `${DRAFT}${randomUUID()}`);
  const passwordFile = `${draftDir}-password`;
  try {
    await mkdir(draftDir, { mode: 0o700 });
    await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
    if (account) await Promise.all([draftDir, passwordFile].map((made) => chown(made, account.uid, account.gid)));
    const { code, said } = await runProgram(
      binaries.initdb,
      // C: the same order on every machine, and an upgrade of its libc breaks no index.
      [
        ...['-D', draftDir, '-U', ADMIN_ROLE, '--auth=scram-sha-256', `--pwfile=${passwordFile}`],
        ...['--encoding=UTF8', '--locale=C', '--data-checksums', ...(durable ? [] : ['--no-sync'])],
      ],
      account,
      INITDB_MS,
    ).catch((error: NodeJS.ErrnoException) => Promise.reject(notRun(binaries.initdb, error)));
    if (code !== 0) throw faultOf('making the data directory of PostgreSQL', said, dir);
    await rename(draftDir, dataDir);
    await syncDir(dir);
  } catch (error) {
    await rm(draftDir, { recursive: true, force: true });
    throw error;
  } finally {
    await rm(passwordFile, { force: true });
  }
}

export function notRun(program: string, error: NodeJS.ErrnoException): Error {
  if (error.code !== 'EACCES') return error;
  return new EmbeddedFault(
    'no-access',
    `${program} cannot be run by the system account of PostgreSQL: every directory above it must let it pass (chmod o+x), so not below /root`,
    { cause: error },
  );
}

/** Refuses data of another major version, which the server would refuse in words of its own. */
export async function checkVersion(dataDir: string, binaries: Binaries, account: Account): Promise<void> {
  const have = (await readFile(path.join(dataDir, 'PG_VERSION'), 'utf8')).trim();
  const { said } = await runProgram(binaries.postgres, ['--version'], account, 10_000).catch((error: NodeJS.ErrnoException) =>
    Promise.reject(notRun(binaries.postgres, error)),
  );
  const want = /\(PostgreSQL\) (\d+)/.exec(said)?.[1] ?? '?';
  if (have === want) return;
  throw new EmbeddedFault(
    'wrong-version',
    `${dataDir} was made by PostgreSQL ${have} and this is ${want}: start the version of the fleet that made it, dump the database (pg_dump) and load it into a new directory`,
  );
}

export async function makeDirs(socketDir: string, account: Account): Promise<void> {
  await mkdir(socketDir, { recursive: true, mode: 0o700 });
  await chmod(socketDir, 0o700);
  if (account) await chown(socketDir, account.uid, account.gid);
}

/** Makes the rename last. Where directories cannot be opened (Windows), the file system sees to it. */
async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir, 'r').catch((error: NodeJS.ErrnoException) =>
    error.code === 'EISDIR' || error.code === 'EPERM' ? null : Promise.reject(error),
  );
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}
