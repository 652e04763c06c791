import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LINUX_PLACES } from '../../../../../agent/activity/microphone/linux.ts';
import { createMicrophoneReader } from '../../../../../agent/activity/microphone.ts';

const tools = ['/usr/bin/pw-dump', '/usr/bin/pipewire', '/usr/bin/unshare'];
const missing = tools.filter((tool) => !existsSync(tool));
const why = process.getuid?.() !== 0 ? 'needs root' : missing.length > 0 ? `no ${missing.join(', ')}` : null;

/** A user of nobody's. */
const UID = 48_000 + (process.pid % 1_000);
const soundServer = new URL('../../../../../agent/activity/microphone/sound-server.ts', import.meta.url).pathname;
const runTool = new URL('../../../../../agent/activity/microphone/run-tool.ts', import.meta.url).pathname;

describe.skipIf(why !== null)(`plain PipeWire of a user’s${why === null ? '' : `: ${why}`}`, () => {
  let root = '';
  let server: ChildProcess | undefined;
  const at = (...names: string[]) => path.join(root, ...names);

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'deskwarden-pipewire-'));
    chmodSync(root, 0o755);
    for (const dir of ['home/.config/pipewire/client.conf.d', 'class', `run/${UID}`]) mkdirSync(at(dir), { recursive: true });
    chownSync(at('run', String(UID)), UID, UID);
  });

  afterEach(async () => {
    if (server && server.exitCode === null && server.signalCode === null) {
      const ended = new Promise((resolve) => server?.once('exit', resolve));
      server.kill('SIGKILL');
      await ended;
    }
    rmSync(root, { recursive: true });
  });

  it('tells that nobody records', { timeout: 20_000 }, async () => {
    const runtimeDir = at('run', String(UID));
    server = spawn('/usr/bin/pipewire', [], {
      uid: UID,
      gid: UID,
      cwd: '/',
      env: { HOME: '/nonexistent', XDG_RUNTIME_DIR: runtimeDir },
      stdio: 'ignore',
    });
    await vi.waitFor(() => expect(existsSync(path.join(runtimeDir, 'pipewire-0'))).toBe(true), { timeout: 10_000 });
    const linux = { ...LINUX_PLACES, asoundDir: at('asound'), sysClassDir: at('class'), runtimeDirs: at('run') };
    const reader = createMicrophoneReader({ platform: 'linux', linux });
    const read = async () => (await reader.read([UID], 0)).map(({ side, says }) => `${side} ${says}`);
    await vi.waitFor(async () => expect(await read()).toEqual(['privileged idle', 'session idle']), { timeout: 8_000 });
  });

  it('runs nothing that the user’s settings name', { timeout: 20_000 }, async () => {
    const exec = (marker: string) => `context.exec = [ { path = "/usr/bin/touch" args = "${at('run', String(UID), marker)}" } ]\n`;
    const settings = at('home/.config/pipewire/client.conf');
    copyFileSync('/usr/share/pipewire/client.conf', settings);
    appendFileSync(settings, exec('settings'));
    writeFileSync(at('home/.config/pipewire/client.conf.d/more.conf'), exec('fragment'));
    copyFileSync('/etc/passwd', at('passwd'));
    appendFileSync(at('passwd'), `\ndeskwarden-test:x:${UID}:${UID}::${at('home')}:/bin/sh\n`);
    // A server that never answers, so that the tool lives until its deadline. First the control: a tool left to its defaults.
    const script = `
      import { spawn } from 'node:child_process';
      import { chmodSync, existsSync, rmSync } from 'node:fs';
      import { createServer } from 'node:net';
      import { askSoundServer } from '${soundServer}';
      import { runTool } from '${runTool}';
      const uid = ${UID};
      const runtimeDir = '${at('run', String(UID))}';
      const markers = () => ['settings', 'fragment'].filter((name) => existsSync(runtimeDir + '/' + name));
      const server = createServer(() => {}).listen(runtimeDir + '/pipewire-0');
      await new Promise((resolve) => server.once('listening', resolve));
      chmodSync(runtimeDir + '/pipewire-0', 0o777);
      const careless = spawn('/usr/bin/pw-dump', [], { uid, gid: 65534, env: { XDG_RUNTIME_DIR: runtimeDir }, stdio: 'ignore' });
      for (let tries = 0; tries < 100 && markers().length < 2; tries += 1) await new Promise((resolve) => setTimeout(resolve, 50));
      careless.kill('SIGKILL');
      const without = markers();
      for (const name of without) rmSync(runtimeDir + '/' + name);
      const says = await askSoundServer({ uid, speaks: 'pipewire', runtimeDir }, runTool);
      console.log(JSON.stringify({ without, says, with: markers() }));
      process.exit();`;
    // The account is one of a mount namespace's own.
    const inNamespace = 'mount --bind "$0" /etc/passwd && exec "$@"';
    const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script];
    const args = ['-m', '--propagation', 'private', '/bin/sh', '-c', inNamespace, at('passwd'), ...node];
    const { stdout } = await promisify(execFile)('/usr/bin/unshare', args, { timeout: 15_000, killSignal: 'SIGKILL' });
    expect(JSON.parse(stdout)).toEqual({ without: ['settings', 'fragment'], says: 'unknown', with: [] });
  });
});
