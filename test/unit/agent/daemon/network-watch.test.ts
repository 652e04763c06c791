import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** A monitor that says these lines, notes each of its starts, and ends or waits. */
function fakeMonitor(lines: readonly string[], end: string): { tool: string; starts: () => number } {
  const dir = mkdtempSync(path.join(tmpdir(), 'deskwarden-monitor-'));
  stops.push(() => rmSync(dir, { recursive: true }));
  const [tool, said, started] = ['ip', 'said', 'started'].map((name) => path.join(dir, name)) as [string, string, string];
  writeFileSync(said, lines.map((line) => `${line}\n`).join(''));
  writeFileSync(
    tool,
    `#!/bin/sh\necho x >> ${started}\nwhile IFS= read -r l; do if [ "$l" = pause ]; then /bin/sleep 2; else printf '%s\\n' "$l"; fi; done < ${said}\n${end}\n`,
    { mode: 0o755 },
  );
  return { tool, starts: () => (existsSync(started) ? readFileSync(started, 'utf8').split('\n').length - 1 : 0) };
}

it('a renewed address and a wireless scan are no change; what goes and comes back is', { timeout: 20_000 }, async () => {
  const address = (seconds: number) =>
    `2: wlan0    inet6 2001:db8::2/64 scope global dynamic \\       valid_lft ${seconds}sec preferred_lft 9sec`;
  const link = '2: wlan0: <UP> mtu 1500 \\    link/ether 00:00:5e:00:53:01';
  const route = 'default via fe80::1 dev wlan0 proto ra metric 1024 expires';
  const first = [address(100), link, `${route} 90sec pref medium`];
  const again = [address(99), link, `${route} 89sec pref medium`];
  const { tool } = fakeMonitor([...first, 'pause', ...again, 'pause', `Deleted ${address(98)}`, address(100)], 'exec /bin/sleep 30');
  let changes = 0;
  const watch = watchNetwork(() => changes++, [tool]);
  stops.push(() => watch.stop());
  await vi.waitFor(() => expect(changes).toBe(2), { timeout: 8_000, interval: 50 });
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(changes).toBe(2);
});

it('a monitor that cannot listen is started again, and is no change', { timeout: 20_000 }, async () => {
  const { tool, starts } = fakeMonitor([], 'exit 1');
  let changes = 0;
  const watch = watchNetwork(() => changes++, [tool]);
  stops.push(() => watch.stop());
  await vi.waitFor(() => expect(starts()).toBe(2), { timeout: 8_000, interval: 50 });
  expect(changes).toBe(0);
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
