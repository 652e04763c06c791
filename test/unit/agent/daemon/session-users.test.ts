import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type SessionUsers, watchSessionUsers } from '../../../../agent/daemon/session-users.ts';

let root = '';
let watch: SessionUsers | undefined;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'deskwarden-sessions-'));
  for (const dir of ['user', 'systemd/users', 'systemd/seats']) mkdirSync(path.join(root, dir), { recursive: true });
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  watch?.stop();
  vi.useRealTimers();
  rmSync(root, { recursive: true });
});

function start(): (readonly number[])[] {
  const seen: (readonly number[])[] = [];
  watch = watchSessionUsers((users) => seen.push(users), path.join(root, 'user'), path.join(root, 'systemd'));
  return seen;
}

/** As logind writes its files: beside, then renamed. */
function write(file: string, text: string): void {
  const temporary = path.join(root, 'systemd', path.dirname(file), `.#${path.basename(file)}`);
  writeFileSync(temporary, `# This is private data. Do not parse.\n${text}`);
  renameSync(temporary, path.join(root, 'systemd', file));
}

function logIn(uid: number, state: string): void {
  mkdirSync(path.join(root, 'user', String(uid)), { recursive: true });
  write(`users/${uid}`, `NAME=agent${uid}\nSTATE=${state}\nSTOPPING=no\n`);
}

const seat = (uid: number | null) =>
  write('seats/seat0', `IS_SEAT0=1\nCAN_GRAPHICAL=1\n${uid === null ? '' : `ACTIVE=2\nACTIVE_UID=${uid}\n`}`);

it.each([
  ['active', true],
  ['online', true],
  ['opening', true],
  // Its programs may run on.
  ['closing', true],
  ['lingering', false],
  ['offline', false],
  // A logind of another time.
  ['', true],
])('a user who is "%s" is an agent: %s', (state, isAgent) => {
  logIn(1_000, state);
  start();
  expect(watch?.agents()).toEqual(isAgent ? [1_000] : []);
  expect(watch?.current()).toEqual([0, 1_000]);
});

it('agents are people, whichever of the two sources knows them, in the order of their numbers', () => {
  logIn(20_000, 'active');
  logIn(999, 'active');
  mkdirSync(path.join(root, 'user/3000'));
  write('users/4000', 'STATE=online\n');
  start();
  expect(watch?.agents()).toEqual([3_000, 4_000, 20_000]);
  expect(watch?.current()).toEqual([0, 3_000, 20_000]);
});

it('without logind a runtime directory is a session', () => {
  rmSync(path.join(root, 'systemd'), { recursive: true });
  mkdirSync(path.join(root, 'user/1000'));
  start();
  expect(watch?.agents()).toEqual([1_000]);
});

it('tells each change once: a login, a switch of users, a logout that lingers; and nothing of a second session', () => {
  logIn(1_000, 'active');
  seat(1_000);
  const seen = start();
  const look = () => vi.advanceTimersByTime(4_000);
  look();
  expect(seen).toHaveLength(0);
  logIn(1_001, 'online');
  look();
  expect(seen).toEqual([[0, 1_000, 1_001]]);
  seat(1_001);
  logIn(1_000, 'online');
  logIn(1_001, 'active');
  look();
  expect(seen).toHaveLength(2);
  seat(null);
  look();
  expect(seen).toHaveLength(3);
  logIn(1_001, 'online');
  look();
  expect(seen).toHaveLength(3);
  logIn(1_001, 'lingering');
  look();
  expect(seen).toHaveLength(4);
  expect(watch?.agents()).toEqual([1_000]);
  watch?.stop();
  logIn(1_002, 'active');
  look();
  expect(seen).toHaveLength(4);
});
