import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LINUX_PLACES } from '../../../../../agent/activity/microphone/linux.ts';
import { createMicrophoneReader } from '../../../../../agent/activity/microphone.ts';

const tools = ['/usr/bin/pulseaudio', '/usr/bin/pactl', '/usr/bin/pacat'];
const missing = tools.filter((tool) => !existsSync(tool));
const why = process.getuid?.() !== 0 ? 'needs root' : missing.length > 0 ? `no ${missing.join(', ')}` : null;

/** A user of nobody's. */
const UID = 47_000 + (process.pid % 1_000);

describe.skipIf(why !== null)(`a real sound server of a user's${why === null ? '' : `: ${why}`}`, () => {
  let root = '';
  const children: ChildProcess[] = [];
  const runtimeDir = () => path.join(root, 'run', String(UID));

  function startAsUser(program: string, args: readonly string[]): ChildProcess {
    const env = { HOME: runtimeDir(), XDG_RUNTIME_DIR: runtimeDir(), PULSE_SERVER: '' };
    if (!program.endsWith('pulseaudio')) env.PULSE_SERVER = `unix:${runtimeDir()}/pulse/native`;
    const child = spawn(program, args, { uid: UID, gid: UID, cwd: '/', env, stdio: 'ignore' });
    children.push(child);
    return child;
  }

  async function stop(child: ChildProcess | undefined): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  const makeReader = () => {
    // A desk whose only sound is that server's, whatever cards this machine has.
    mkdirSync(path.join(root, 'class'), { recursive: true });
    const linux = { ...LINUX_PLACES, asoundDir: path.join(root, 'asound'), sysClassDir: path.join(root, 'class') };
    return createMicrophoneReader({ platform: 'linux', linux: { ...linux, runtimeDirs: path.join(root, 'run') } });
  };
  const read = async () => (await makeReader().read([UID], 0)).map(({ side, says }) => `${side} ${says}`);

  beforeAll(async () => {
    root = mkdtempSync(path.join(tmpdir(), 'deskwarden-pulse-'));
    chmodSync(root, 0o755);
    mkdirSync(runtimeDir(), { recursive: true });
    chownSync(runtimeDir(), UID, UID);
    for (const name of ['chromium', 'recorder']) {
      copyFileSync('/usr/bin/pacat', path.join(root, name));
      chmodSync(path.join(root, name), 0o755);
    }
    expect(await read()).toEqual(['privileged idle']);
    const modules = ['module-native-protocol-unix', 'module-null-sink sink_name=null'].flatMap((name) => ['-L', name]);
    startAsUser('/usr/bin/pulseaudio', ['-n', '--daemonize=no', '--exit-idle-time=-1', '--disable-shm=yes', ...modules]);
    await vi.waitFor(() => expect(existsSync(path.join(runtimeDir(), 'pulse/native'))).toBe(true), { timeout: 10_000 });
  }, 20_000);

  afterAll(async () => {
    for (const child of children.reverse()) await stop(child);
    rmSync(root, { recursive: true, force: true });
  });

  it('nobody, then a browser, then nobody, then a recorder', { timeout: 30_000 }, async () => {
    const becomes = (words: string[]) => vi.waitFor(async () => expect(await read()).toEqual(words), { timeout: 8_000, interval: 50 });
    await becomes(['privileged idle', 'session idle']);
    const browser = startAsUser(path.join(root, 'chromium'), ['--record', '--device=null.monitor']);
    await becomes(['privileged unknown', 'session on-call']);
    await stop(browser);
    await becomes(['privileged idle', 'session idle']);
    const recorder = startAsUser(path.join(root, 'recorder'), ['--record', '--device=null.monitor']);
    await becomes(['privileged unknown', 'session unknown']);
    await stop(recorder);
  });

  it('a server that does not answer is not waited for', { timeout: 15_000 }, async () => {
    const [server] = children;
    server?.kill('SIGSTOP');
    try {
      const beganMs = performance.now();
      expect(await read()).toEqual(['privileged unknown', 'session unknown']);
      expect(performance.now() - beganMs).toBeLessThan(3_500);
    } finally {
      server?.kill('SIGCONT');
    }
  });

  it('a browser that root installed and an agent runs holds a card itself', async () => {
    copyFileSync('/bin/sleep', path.join(root, 'firefox'));
    chmodSync(path.join(root, 'firefox'), 0o755);
    const browser = startAsUser(path.join(root, 'firefox'), ['30']);
    const substream = path.join(root, 'asound/card0/pcm0c/sub0');
    mkdirSync(substream, { recursive: true });
    writeFileSync(path.join(substream, 'status'), `state: RUNNING\nowner_pid   : ${browser.pid}\n`);
    try {
      expect(await read()).toEqual(['privileged on-call']);
      chownSync(path.join(root, 'firefox'), UID, UID);
      expect((await read())[0]).toBe('privileged unknown');
    } finally {
      rmSync(path.join(root, 'asound'), { recursive: true });
      await stop(browser);
    }
  });
});
