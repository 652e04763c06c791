import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runTool } from '../../../../../agent/activity/microphone/run-tool.ts';

describe.skipIf(process.platform === 'win32')('a tool [Windows has no sh]', () => {
  const sh = (script: string) => runTool({ paths: ['/nowhere/sh', '/bin/sh'], args: ['-c', script] });

  it('gives what it prints, where it succeeds', async () => {
    expect(await sh('echo yes; echo no >&2')).toBe('yes\n');
    expect(await sh('echo yes; exit 3')).toBeNull();
    expect(await sh('echo "$HOME"')).toBe('\n');
    expect(await runTool({ paths: ['/nowhere/sh'], args: [] })).toBeNull();
  });

  it('is killed at its deadline, also when what it started lives on', async () => {
    const beganMs = performance.now();
    expect(await sh('echo $$; /bin/sleep 4 & wait')).toBeNull();
    expect(performance.now() - beganMs).toBeLessThan(3_000);
  });

  it('is killed when it prints without end', async () => {
    const beganMs = performance.now();
    expect(await sh('while :; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; done')).toBeNull();
    expect(performance.now() - beganMs).toBeLessThan(2_500);
  });
});

describe.skipIf(process.getuid?.() !== 0)('a tool as another user [needs root]', () => {
  it('has none of the daemon’s groups', async () => {
    expect(await runTool({ paths: ['/usr/bin/id'], args: ['-G'], uid: 47_999 })).toBe('65534\n');
    // Of a daemon that has some, as this test's process might not.
    const script = `import { runTool } from '${new URL('../../../../../agent/activity/microphone/run-tool.ts', import.meta.url).pathname}';
      console.log(JSON.stringify([process.getgroups(), await runTool({ paths: ['/usr/bin/id'], args: ['-G'], uid: 47_999 })]));`;
    const args = ['--groups', '4,27', process.execPath, '--import', 'tsx', '--input-type=module', '-e', script];
    const [own, tools] = JSON.parse(execFileSync('/usr/bin/setpriv', args, { encoding: 'utf8' })) as [number[], string];
    expect(own).toEqual(expect.arrayContaining([4, 27]));
    expect(tools).toBe('65534\n');
  });

  const UID = 47_999;
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'deskwarden-tool-'));
    chownSync(dir, UID, UID);
    chmodSync(dir, 0o755);
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  const sh = (script: string) => runTool({ paths: ['/bin/sh'], args: ['-c', script], uid: UID });
  const readPid = (name: string) => Number(readFileSync(path.join(dir, name), 'utf8'));
  const isRunning = (pid: number) => {
    const status = `/proc/${pid}/status`;
    return existsSync(status) && !/^State:\tZ/m.test(readFileSync(status, 'utf8'));
  };

  it.each([
    ['end', 'echo done', 'done\n'],
    ['failure', 'exit 3', null],
    ['deadline', 'wait', null],
    ['overflow', 'exec /usr/bin/yes', null],
  ])('leaves nothing behind after its %s', async (name, last, expected) => {
    expect(await sh(`/bin/sleep 30 & echo $! >${dir}/${name}; ${last}`)).toBe(expected);
    await vi.waitFor(() => expect(isRunning(readPid(name))).toBe(false));
  });

  it('has no environment but what it is given, and no home of the user’s', async () => {
    const env = { LC_ALL: 'C', HOME: dir, XDG_CONFIG_HOME: dir };
    expect((await runTool({ paths: ['/usr/bin/env'], args: [], uid: UID, env }))?.trim().split('\n').sort()).toEqual([
      'DBUS_SESSION_BUS_ADDRESS=disabled:',
      'HOME=/nonexistent',
      'LC_ALL=C',
      'XDG_CONFIG_HOME=/nonexistent',
    ]);
    expect(await sh('pwd')).toBe('/\n');
  });

  it('has little memory', async () => {
    expect(await sh('ulimit -d')).toBe('65536\n');
  });

  it('cannot be looked into by the user himself', async () => {
    const tool = sh(`echo $$ >${dir}/traced; exec /bin/sleep 1`);
    await vi.waitFor(() => expect(isRunning(readPid('traced'))).toBe(true));
    const look = (gid: number) => spawnSync('/bin/readlink', [`/proc/${readPid('traced')}/exe`], { uid: UID, gid }).status;
    // The first is the control: with the tool's own group he could.
    expect([look(65_534), look(UID)]).toEqual([0, 1]);
    await tool;
  });
});
