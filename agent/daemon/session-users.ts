import { readdirSync } from 'node:fs';

/** systemd-logind makes a directory for each user who has a session, and removes it with the last one. */
const SESSIONS_DIR = '/run/user';
const LOOK_EVERY_MS = 2_000;
/** Below are the system's own users; root always has an interface. */
const FIRST_PERSON = 1_000;

export interface SessionUsers {
  current(): readonly number[];
  stop(): void;
}

/** The users who may talk to the daemon now: root, and whoever has a session. Calls back when they change. */
export function watchSessionUsers(onChange: (users: readonly number[]) => void, sessionsDir = SESSIONS_DIR): SessionUsers {
  let users = readUsers(sessionsDir);
  const timer = setInterval(() => {
    const now = readUsers(sessionsDir);
    if (now.join() === users.join()) return;
    users = now;
    onChange(users);
  }, LOOK_EVERY_MS);
  timer.unref();
  return { current: () => users, stop: () => clearInterval(timer) };
}

function readUsers(dir: string): number[] {
  let names: string[] = [];
  try {
    names = readdirSync(dir);
  } catch {
    // Without logind there are no sessions to see.
  }
  const people = names.filter((name) => /^\d{1,10}$/.test(name)).map(Number);
  return [0, ...people.filter((uid) => uid >= FIRST_PERSON).sort((a, b) => a - b)];
}
