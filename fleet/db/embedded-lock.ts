import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { EmbeddedFault } from './embedded-fault.ts';
import { bootId, isAlive, type Processes, startOf } from './process-life.ts';

/** The process that holds a data directory. A number given anew to another process has another start. */
const Holder = z.strictObject({ pid: z.int().positive(), bootId: z.string().max(100), startedTicks: z.string().max(30) });
type Holder = z.infer<typeof Holder>;

/**
 * One fleet process at a time keeps the embedded server of a directory. What two processes could break is guarded by more than
 * this file: the data directory appears by a rename, and PostgreSQL itself starts once on it.
 */
export async function lockDir(dir: string, self: Processes): Promise<() => Promise<void>> {
  const lock = path.join(dir, 'fleet.lock');
  const draft = `${lock}.${self.pid}`;
  const holder: Holder = { pid: self.pid, bootId: await bootId(), startedTicks: await startOf(self.pid) };
  await writeFile(draft, JSON.stringify(holder), { mode: 0o600 });
  try {
    for (let tries = 1; ; tries++) {
      // A link appears with its whole content, or not at all.
      const taken = await link(draft, lock).then(
        () => true,
        (error: NodeJS.ErrnoException) => (error.code === 'EEXIST' ? false : Promise.reject(error)),
      );
      if (taken) return () => release(lock, holder);
      const other = await readHolder(lock);
      if (other && (await lives(other, holder.bootId, self))) {
        throw new EmbeddedFault('in-use', `another fleet process, ${other.pid}, keeps the database in ${dir}`);
      }
      if (tries >= 5) throw new EmbeddedFault('in-use', `${lock} could not be taken: other processes try at the same time`);
      await setAside(lock, other, self);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** Takes a dead holder's file away; puts it back where it was someone else's by then. */
async function setAside(lock: string, dead: Holder | null, self: Processes): Promise<void> {
  const aside = `${lock}.${self.pid}.aside`;
  await rename(lock, aside).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : Promise.reject(error)));
  const moved = await readHolder(aside);
  if (moved && JSON.stringify(moved) !== JSON.stringify(dead)) await link(aside, lock).catch(() => undefined);
  await rm(aside, { force: true });
}

async function release(lock: string, holder: Holder): Promise<void> {
  if (JSON.stringify(await readHolder(lock)) === JSON.stringify(holder)) await rm(lock, { force: true });
}

async function readHolder(file: string): Promise<Holder | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return Holder.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

async function lives(holder: Holder, thisBoot: string, self: Processes): Promise<boolean> {
  if (holder.bootId !== thisBoot || !(await isAlive(holder.pid, self))) return false;
  return (await startOf(holder.pid)) === holder.startedTicks;
}
