import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** systemd-logind makes a directory for each user who has a session or lingers, and removes it with the last process. */
const RUNTIME_DIRS = '/run/user';
/** What libsystemd reads: `users/<uid>` and `seats/<seat>`, of `NAME=value` lines. elogind has the same. */
const LOGIND_DIR = '/run/systemd';
/** Reading it all takes 0.1 ms. */
const LOOK_EVERY_MS = 2_000;
/** Below are the system's own users, among them the one of the login screen; root always has an interface. */
const FIRST_PERSON = 1_000;

export interface SessionUsers {
  /** Who may talk to the daemon: root, and whoever has a runtime directory. */
  current(): readonly number[];
  /** Who has a login session. One whose programs outlive his session is among them; one who merely lingers is not. */
  agents(): readonly number[];
  stop(): void;
}

interface Look {
  users: readonly number[];
  agents: readonly number[];
  /** Who sits at each seat. */
  seats: readonly string[];
}

/** Calls back when users come or go, and when another one takes over a seat. A locked screen is no change. */
export function watchSessionUsers(
  onChange: (users: readonly number[]) => void,
  runtimeDirs = RUNTIME_DIRS,
  logindDir = LOGIND_DIR,
): SessionUsers {
  let last = look(runtimeDirs, logindDir);
  const timer = setInterval(() => {
    const now = look(runtimeDirs, logindDir);
    if (JSON.stringify(now) === JSON.stringify(last)) return;
    last = now;
    onChange(now.users);
  }, LOOK_EVERY_MS);
  timer.unref();
  return { current: () => last.users, agents: () => last.agents, stop: () => clearInterval(timer) };
}

function look(runtimeDirs: string, logindDir: string): Look {
  const withRuntime = listPeople(runtimeDirs);
  const states = new Map(listPeople(path.join(logindDir, 'users')).map((uid) => [uid, readField(logindDir, `users/${uid}`, 'STATE')]));
  // Without logind's word a runtime directory is a session: better one agent too many under the gate than one too few.
  const known = [...new Set([...withRuntime, ...states.keys()])].sort((a, b) => a - b);
  const agents = known.filter((uid) => !['lingering', 'offline'].includes(states.get(uid) ?? ''));
  const seats = listNames(path.join(logindDir, 'seats')).map((seat) => `${seat} ${readField(logindDir, `seats/${seat}`, 'ACTIVE_UID')}`);
  return { users: [0, ...withRuntime], agents, seats };
}

function listPeople(dir: string): number[] {
  const uids = listNames(dir).filter((name) => /^\d{1,10}$/.test(name));
  return uids
    .map(Number)
    .filter((uid) => uid >= FIRST_PERSON)
    .sort((a, b) => a - b);
}

function listNames(dir: string): string[] {
  try {
    // A leading dot is a file that is being written.
    return readdirSync(dir)
      .filter((name) => !name.startsWith('.'))
      .sort();
  } catch {
    // Without logind there are no sessions to see.
    return [];
  }
}

function readField(dir: string, file: string, field: string): string {
  try {
    const lines = readFileSync(path.join(dir, file), 'utf8').split('\n');
    return lines.find((line) => line.startsWith(`${field}=`))?.slice(field.length + 1) ?? '';
  } catch {
    return '';
  }
}
