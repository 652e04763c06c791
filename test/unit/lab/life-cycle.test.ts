import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { toolPath } from '../../../build/debian-tools.ts';
import { parseStat } from '../../lab/lab-name.ts';
import { whyNoLab, withLab } from '../../lab/with-lab.ts';

const repositoryDir = fileURLToPath(new URL('../../../', import.meta.url));
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const runner = [process.execPath, '--import', loader, 'test/lab/lab.ts'];
/** Beside the `node` that runs this test. */
const npm = [join(dirname(process.execPath), 'npm'), 'run', '--silent', 'lab', '--'];

const tsx = [process.execPath, join(repositoryDir, 'node_modules/tsx/dist/cli.mjs'), 'test/lab/lab.ts'];

const lacks = whyNoLab();

function start(argv: readonly string[], options: { uid?: number } = {}): ChildProcess {
  const [file, ...rest] = argv;
  return spawn(file as string, rest, { cwd: repositoryDir, stdio: ['ignore', 'pipe', 'pipe'], ...options });
}

async function finish(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...texts })));
}

/** Starts a lab whose command stays, and tells what belongs to it. */
async function standing(launch: readonly string[]): Promise<{ launcher: ChildProcess; id: string; pids: number[] }> {
  const stay = 'console.log(process.env.LAB_DIR); setInterval(() => {}, 1000)';
  const launcher = start([...launch, 'healthy', '--', process.execPath, '-e', stay]);
  const dir = await new Promise<string>((resolve, reject) => {
    let said = '';
    launcher.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('\n')) resolve(said.trim());
    });
    let complaint = '';
    launcher.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    launcher.on('exit', (code) => reject(new Error(`the runner ended with ${code}: ${complaint}`)));
  });
  const id = basename(dir);
  const pids = ['desk', 'site'].flatMap((room) =>
    execFileSync(toolPath('ip'), ['netns', 'pids', `${id}-${room}`], { encoding: 'utf8' })
      .split('\n')
      .filter(Boolean)
      .map(Number),
  );
  expect(pids.length).toBeGreaterThanOrEqual(4);
  return { launcher, id, pids };
}

function leftovers(id: string, pids: readonly number[]): string[] {
  const alive = pids.filter((pid) => {
    try {
      return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.state !== 'Z';
    } catch {
      return false;
    }
  });
  const places = [`/run/netns/${id}-desk`, `/run/netns/${id}-site`, `/etc/netns/${id}-desk`, join(tmpdir(), id)];
  return [...alive.map((pid) => `process ${pid}`), ...places.filter((path) => existsSync(path))];
}

async function expectGone(id: string, pids: readonly number[]): Promise<void> {
  await expect.poll(() => leftovers(id, pids), { timeout: 8_000, interval: 50 }).toEqual([]);
}

describe('the life cycle of a lab', { timeout: 30_000 }, () => {
  beforeEach(({ skip }) => skip(lacks !== null, lacks ?? ''));

  it("passes the command's output and exit code through, and nothing of its own", async () => {
    const script = 'process.stdout.write("out"); process.stderr.write("err"); process.exitCode = 42';
    const { code, stdout, stderr } = await finish(start([...runner, 'healthy', '--', process.execPath, '-e', script]));
    expect({ code, stdout, stderr }).toEqual({ code: 42, stdout: 'out', stderr: 'err' });
  });

  it('reports a command that was killed as a shell does', async () => {
    const { code } = await finish(start([...runner, 'healthy', '--', process.execPath, '-e', 'process.kill(process.pid, "SIGTERM")']));
    expect(code).toBe(143);
  });

  it.each([
    ['an unknown scenario', ['helthy', '--', 'true'], 2, 'no scenario "helthy"'],
    ['an unknown command', ['healthy', '--', 'no-such-command'], 127, 'no command "no-such-command" on the PATH'],
    ['no terminal for a shell', ['healthy'], 2, 'no command, and no terminal for a shell'],
  ])('refuses %s', async (_, argv, expected, message) => {
    const { code, stdout, stderr } = await finish(start([...runner, ...argv]));
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
  });

  it('says that it needs root', async () => {
    const { code, stderr } = await finish(start([...runner, 'healthy', '--', 'true'], { uid: 65_534 }));
    expect(stderr).toContain('the lab needs root');
    expect(code).toBe(69);
  });

  it('stands twice at once on the same addresses, and leaves nothing', async () => {
    const seen = await Promise.all(
      ['healthy', 'no-route'].map((scenario) =>
        withLab(scenario, async (lab) => {
          const { stdout } = await lab.exec([toolPath('ip'), '-4', 'route']);
          return { dir: lab.dir, routed: stdout.includes('default via 192.168.71.1') };
        }),
      ),
    );
    expect(seen.map(({ routed }) => routed)).toEqual([true, false]);
    for (const { dir } of seen) await expectGone(basename(dir), []);
  });

  it('kills a command at its time limit, with what that has started', async () => {
    await withLab('healthy', async (lab) => {
      const { code, timedOut } = await lab.exec(['/bin/sh', '-c', 'sleep 60; echo late'], { timeoutMs: 200 });
      expect({ code, timedOut }).toEqual({ code: 124, timedOut: true });
    });
  });

  it.each([
    ['kill -9 of the runner', runner, 'SIGKILL', null],
    ['Ctrl-C', runner, 'SIGINT', 130],
    ['SIGTERM', runner, 'SIGTERM', 143],
    ['kill -9 of tsx', tsx, 'SIGKILL', null],
    ['kill -9 of npm', npm, 'SIGKILL', null],
  ] as const)('leaves nothing after %s', async (_, launch, signal, code) => {
    const { launcher, id, pids } = await standing(launch);
    const ended = new Promise<number | null>((resolve) => {
      launcher.removeAllListeners('exit');
      launcher.on('exit', resolve);
    });
    launcher.kill(signal);
    expect(await ended).toBe(code);
    await expectGone(id, pids);
  });

  it('leaves no shared memory of a faked clock', async () => {
    await withLab('clock-skew', async () => undefined);
    await withLab('clock-skew-desk', (lab) => lab.exec([process.execPath, '-e', '0']));
    await withLab('proxy-only', async () => undefined);
    expect(sharedMemory()).toEqual([]);
  });
});

/** Of this process's labs, or of nobody: other labs may stand on this machine at the same time. */
function sharedMemory(): string[] {
  return readdirSync('/dev/shm').filter((entry) => {
    const owner = /faketime_s(?:em|hm)_(\d+)$/.exec(entry)?.[1];
    return entry.startsWith(`dwx${process.pid}x`) || (owner !== undefined && !existsSync(`/proc/${owner}`));
  });
}
