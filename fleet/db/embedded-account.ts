import { stat } from 'node:fs/promises';
import { EmbeddedFault } from './embedded-fault.ts';
import { type Account, runProgram } from './run-program.ts';

/** Debian's, where its packages made it; else one of our own. */
const accountNames = ['postgres', 'deskwarden-db'] as const;
const OWN_ACCOUNT = 'deskwarden-db';
const LOOKUP_MS = 10_000;

/** PostgreSQL refuses to run as root: the account that it runs as instead. Null for everyone who is not root. */
export async function accountFor(dataDir: string, uid: number | null): Promise<Account> {
  if (uid !== 0) return null;
  // Whoever made the data owns it, also when another account has come by since.
  const owner = await stat(dataDir).catch(() => null);
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  for (const name of accountNames) {
    const found = await lookUp(name);
    if (found) return found;
  }
  const made = await runProgram(
    '/usr/sbin/useradd',
    ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', OWN_ACCOUNT],
    null,
    LOOKUP_MS,
  ).catch((error) => ({ code: -1, said: String(error) }));
  const found = made.code === 0 ? await lookUp(OWN_ACCOUNT) : null;
  if (found) return found;
  throw new EmbeddedFault(
    'no-account',
    `PostgreSQL does not run as root, and the account ${OWN_ACCOUNT} could not be made (${made.said.trim()}): make one of that name, or start the fleet as an ordinary user`,
  );
}

async function lookUp(name: string): Promise<{ uid: number; gid: number } | null> {
  const [user, group] = await Promise.all(['-u', '-g'].map((what) => runProgram('/usr/bin/id', [what, name], null, LOOKUP_MS)));
  if (user?.code !== 0 || group?.code !== 0) return null;
  const [uid, gid] = [Number(user.said.trim()), Number(group.said.trim())];
  return Number.isInteger(uid) && uid > 0 && Number.isInteger(gid) ? { uid, gid } : null;
}
