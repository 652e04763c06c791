import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { notifyServiceManager } from '../../../../agent/daemon/service-manager.ts';

const python = '/usr/bin/python3';
const tool = '/usr/bin/systemd-notify';
const missing = [python, tool].filter((needed) => !existsSync(needed));
const why = missing.length > 0 ? `needs ${missing.join(' and ')}` : null;

const DEADLINE_MS = 10_000;

let dir: string;
let receiver: ChildProcess | undefined;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'deskwarden-notify-'));
});
afterEach(() => {
  receiver?.kill('SIGKILL');
  receiver = undefined;
  rmSync(dir, { recursive: true, force: true });
});

/** Node has no datagram sockets of Unix: what arrives comes back as lines. `@name` is a socket without a file. */
async function receive(socketPath: string): Promise<string[]> {
  const code = `import socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1].replace('@','\\0',1) if sys.argv[1][0]=='@' else sys.argv[1])
print('bound',flush=True)
while True: print(s.recv(4096).decode().strip(),flush=True)`;
  const lines: string[] = [];
  receiver = spawn(python, ['-c', code, socketPath], { stdio: ['ignore', 'pipe', 'inherit'] });
  receiver.stdout
    ?.setEncoding('utf8')
    .on('data', (part: string) => lines.push(...part.split('\n').filter((line) => line && line !== 'BARRIER=1')));
  if (receiver.stdout) await once(receiver.stdout, 'data');
  return lines;
}

function untold(detail: string): never {
  throw new Error(`unexpected fault: ${detail}`);
}

describe.skipIf(why !== null)(`a service manager that listens${why ? `: ${why}` : ''}`, () => {
  it.each(['path', 'abstract'])('hears of the start, the pings and the end (%s)', async (kind) => {
    const socketPath = kind === 'path' ? path.join(dir, 'notify') : `@deskwarden-test-${process.pid}`;
    const lines = await receive(socketPath);
    const manager = notifyServiceManager({ socketPath, watchdogUsec: '1000000', onFault: untold });
    await delay(700);
    expect(lines).toEqual(['bound']);
    await manager.ready();
    await vi.waitFor(() => expect(lines.slice(0, 4)).toEqual(['bound', 'READY=1', 'WATCHDOG=1', 'WATCHDOG=1']), DEADLINE_MS);
    await manager.stopping();
    await vi.waitFor(() => expect(lines.at(-1)).toBe('STOPPING=1'), DEADLINE_MS);
    await delay(700);
    expect(lines.at(-1)).toBe('STOPPING=1');
  });

  it.each([undefined, '0', 'soon'])('gets no pings without a watchdog (%s)', async (watchdogUsec) => {
    const socketPath = path.join(dir, 'notify');
    const lines = await receive(socketPath);
    const manager = notifyServiceManager({ socketPath, watchdogUsec, onFault: untold });
    await manager.ready();
    await delay(700);
    await manager.stopping();
    await vi.waitFor(() => expect(lines).toEqual(['bound', 'READY=1', 'STOPPING=1']), DEADLINE_MS);
  });
});

it('starts nothing where no service manager listens', async () => {
  const trace = path.join(dir, 'started');
  const spy = script(`: > ${trace}`);
  const manager = notifyServiceManager({ socketPath: undefined, watchdogUsec: '1000000', onFault: untold }, using(spy));
  await manager.ready();
  await delay(700);
  await manager.stopping();
  expect(existsSync(trace)).toBe(false);
});

it('tells a row of failures once, and the next row again', async () => {
  const faults: string[] = [];
  const onFault = (detail: string) => faults.push(detail);
  const works = path.join(dir, 'works');
  const manager = notifyServiceManager(
    { socketPath: path.join(dir, 'nobody'), watchdogUsec: undefined, onFault },
    using(script(`test -e ${works}`)),
  );
  await manager.ready();
  await manager.ready();
  expect(faults).toEqual(['READY=1: systemd-notify ended with 1']);
  writeFileSync(works, '');
  await manager.ready();
  rmSync(works);
  await manager.stopping();
  expect(faults).toEqual(['READY=1: systemd-notify ended with 1', 'STOPPING=1: systemd-notify ended with 1']);
});

it('goes on where systemd-notify is missing, and ends one that hangs', async () => {
  const faults: string[] = [];
  const settings = { socketPath: path.join(dir, 'nobody'), watchdogUsec: undefined, onFault: (detail: string) => faults.push(detail) };
  await notifyServiceManager(settings, using(path.join(dir, 'missing'))).ready();
  const startedMs = performance.now();
  await notifyServiceManager(settings, using(script('exec sleep 60'), 500)).ready();
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect(faults).toEqual(['READY=1: systemd-notify is missing', 'READY=1: systemd-notify ended with SIGKILL']);
});

/** Long enough for a shell on a busy machine. */
const using = (tool: string, deadlineMs = 10_000) => ({ paths: [tool], deadlineMs });

function script(text: string): string {
  const file = path.join(dir, `tool-${text.length}`);
  // The tool gets no PATH.
  writeFileSync(file, `#!/bin/sh\nPATH=/usr/bin:/bin\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}
