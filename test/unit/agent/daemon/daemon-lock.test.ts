import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { daemonOf, lockStateDir } from '../../../../agent/daemon/daemon-lock.ts';
import { readBootId } from '../../../../agent/store/awake-clock.ts';

const bootId = await readBootId();
const children: ChildProcess[] = [];
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'deskwarden-lock-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir, { recursive: true });
});

const lockPath = () => path.join(dir, 'daemon.lock');
const ticksOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19];

function holdBy(pid: number, startedTicks = ticksOf(pid), boot = bootId): void {
  writeFileSync(lockPath(), JSON.stringify({ pid, bootId: boot, startedTicks }));
}

function sleeper(): ChildProcess {
  const child = spawn('/bin/sleep', ['60']);
  children.push(child);
  return child;
}

it('a second daemon is refused while the first lives, and let in after', async () => {
  const lock = await lockStateDir(dir, bootId);
  await expect(lockStateDir(dir, bootId)).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining(String(process.pid)) });
  expect(await daemonOf(dir, bootId)).toBe(process.pid);
  await lock.release();
  expect(existsSync(lockPath())).toBe(false);
  await (await lockStateDir(dir, bootId)).release();
});

it('a daemon that was killed holds nothing', async () => {
  const child = sleeper();
  holdBy(child.pid as number);
  await expect(lockStateDir(dir, bootId)).rejects.toMatchObject({ code: 'in-use' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  await (await lockStateDir(dir, bootId)).release();
});

it('a daemon that ended and that nobody asked for holds nothing', async () => {
  // The shell becomes a program that never asks for the child it left.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(parent);
  const pid = Number(String((await once(parent.stdout, 'data'))[0]));
  holdBy(pid);
  expect(await daemonOf(dir, bootId)).toBe(pid);
  const state = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0];
  await expect.poll(state).toBe('Z');
  expect(await daemonOf(dir, bootId)).toBeNull();
});

it.each([
  ['a process that has its number now', () => holdBy(sleeper().pid as number, '1')],
  ['one of another boot', () => holdBy(process.pid, undefined, 'another-boot')],
  ['nobody who can be read', () => writeFileSync(lockPath(), '{')],
])('%s holds nothing', async (_who, leave) => {
  leave();
  expect(await daemonOf(dir, bootId)).toBeNull();
  await (await lockStateDir(dir, bootId)).release();
});

it('what stands in its place and cannot be taken away is told', async () => {
  mkdirSync(lockPath());
  await expect(lockStateDir(dir, bootId)).rejects.toMatchObject({ name: 'StoreError', message: expect.stringContaining(lockPath()) });
});

it('makes a state directory that is not there yet, for its owner alone', async () => {
  const stateDir = path.join(dir, 'a', 'state');
  await (await lockStateDir(stateDir, bootId)).release();
  expect(statSync(stateDir).mode & 0o777).toBe(0o700);
});

it('of many that start at once one gets it', async () => {
  const started = await Promise.allSettled(Array.from({ length: 20 }, () => lockStateDir(dir, bootId)));
  expect(started.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});
