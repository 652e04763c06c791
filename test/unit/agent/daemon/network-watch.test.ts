import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { watchNetwork } from '../../../../agent/daemon/network-watch.ts';
import { watchSessionUsers } from '../../../../agent/daemon/session-users.ts';

const ip = ['/usr/sbin/ip', '/sbin/ip'].find((candidate) => existsSync(candidate));
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

it('tells one change for a burst of them', { timeout: 15_000 }, async (context) => {
  if (process.getuid?.() !== 0 || !ip) return context.skip('needs root and iproute2 to change a network');
  let changes = 0;
  const watch = watchNetwork(() => changes++);
  stops.push(() => watch.stop());
  // Loopback addresses of this computer: nobody else sees them. The monitor needs a moment to listen, so they come and go.
  const address = `127.66.${process.pid % 250}.7/32`;
  const deadline = Date.now() + 10_000;
  while (changes === 0 && Date.now() < deadline) {
    execFileSync(ip, ['addr', 'add', address, 'dev', 'lo']);
    execFileSync(ip, ['addr', 'del', address, 'dev', 'lo']);
    await new Promise((resolve) => setTimeout(resolve, 1_700));
  }
  expect(changes).toBe(1);
});

it('says that it cannot watch without the tool', () => {
  expect(watchNetwork(() => {}, ['/nowhere/ip']).watching).toBe(false);
});

it('sees people come and go, and never the system', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'deskwarden-users-'));
  stops.push(() => rmSync(dir, { recursive: true }));
  for (const name of ['1000', '33', 'other']) mkdirSync(path.join(dir, name));
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  stops.push(() => vi.useRealTimers());
  const seen: (readonly number[])[] = [];
  const users = watchSessionUsers((now) => seen.push(now), dir);
  stops.push(() => users.stop());
  expect(users.current()).toEqual([0, 1_000]);
  mkdirSync(path.join(dir, '1001'));
  vi.advanceTimersByTime(2_000);
  rmSync(path.join(dir, '1000'), { recursive: true });
  vi.advanceTimersByTime(4_000);
  expect(seen).toEqual([
    [0, 1_000, 1_001],
    [0, 1_001],
  ]);
});

it('without a session directory there is root alone', () => {
  const users = watchSessionUsers(() => {}, '/nowhere/at/all');
  stops.push(() => users.stop());
  expect(users.current()).toEqual([0]);
});
