import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

const SETUP_DEADLINE_MS = 30_000;
const EXEC_DEADLINE_MS = 60_000;
const MOST_OUTPUT_BYTES = 16 * 1_048_576;

export const dpkgEnv = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };

const tools = ['/usr/bin/unshare', '/usr/bin/nsenter', '/usr/sbin/pivot_root', '/usr/bin/dpkg', '/usr/bin/dpkg-deb'];

/** Null where a package can be installed into a root of its own, else why not. */
export function whyNoPackageRoot(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root';
  const missing = tools.filter((tool) => !existsSync(tool));
  return missing.length > 0 ? `needs ${missing.join(', ')}` : null;
}

export interface Executed {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface PackageRoot {
  /** Runs a program in the root, in an empty environment but for what is given. */
  exec(argv: readonly string[], options?: { env?: Record<string, string>; timeoutMs?: number }): Promise<Executed>;
  /** What the program printed; anything but success is an error that quotes it. */
  ok(...argv: string[]): Promise<string>;
  /** Starts a program in the root and leaves it running; it ends with the root at the latest. */
  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  /** A program of this computer that has the root's network; it ends with the root at the latest. */
  spawnBeside(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  close(): Promise<void>;
}

/**
 * A computer of its own to install on: this one's files, on which whatever is written stays in memory, and processes and a
 * network of its own. The old root is unmounted in there, so nothing in it reaches this computer's files; systemd does not run.
 * What changes on this computer meanwhile is seen in there, but not in /etc, which has no policies of browsers to begin with.
 * `shared` is seen at /mnt, read-only. All of it goes with the process that holds it.
 */
const setup = `
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=0755 none /media
mkdir /media/upper /media/work /media/root
mount -t overlay -o lowerdir=/,upperdir=/media/upper,workdir=/media/work none /media/root
cd /media/root
rm -rf etc
cp -a /etc etc || true
rm -rf etc/chromium/policies etc/opt/* etc/firefox
mount -t proc none proc
mount -t sysfs -o ro none sys
for dir in run tmp var/tmp; do mount -t tmpfs -o mode=0755 none $dir; done
chmod 1777 tmp var/tmp
mkdir run/lock
mount -t tmpfs -o mode=0755 none dev
for name in null zero full random urandom; do : > dev/$name; mount --bind /dev/$name dev/$name; done
mount --bind "$1" mnt
mount -o remount,bind,ro mnt
mkdir run/old
pivot_root . run/old
cd /
umount -l /run/old
rmdir /run/old
ip link set lo up
echo ready
exec sleep infinity
`;

export async function openPackageRoot(shared: string): Promise<PackageRoot> {
  const own = ['--mount', '--pid', '--net', '--uts', '--ipc', '--fork', '--kill-child'];
  const holder = spawn('/usr/bin/unshare', [...own, '--', '/bin/sh', '-c', setup, 'sh', shared], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const beside: ChildProcess[] = [];
  const close = async () => {
    await Promise.all([...beside, holder].map(end));
  };
  try {
    await readyOf(holder);
    const inside = await firstChild(holder);
    const enter = ['--target', String(inside), '--mount', '--pid', '--net', '--uts', '--ipc', '--root', '--wdns=/', '--'];
    const exec: PackageRoot['exec'] = (argv, options) => execute('/usr/bin/nsenter', [...enter, ...argv], options);
    return {
      exec,
      async ok(...argv) {
        const ran = await exec(argv, { env: dpkgEnv });
        if (ran.code !== 0) throw new Error(`${argv.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`);
        return ran.stdout;
      },
      spawn: (argv, options = {}) => spawn('/usr/bin/nsenter', [...enter, ...argv], { env: {}, ...options }),
      spawnBeside(argv, options = {}) {
        const child = spawn('/usr/bin/nsenter', ['--target', String(inside), '--net', '--', ...argv], options);
        beside.push(child);
        return child;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readyOf(holder: ChildProcess): Promise<void> {
  let stderr = '';
  holder.stderr?.setEncoding('utf8').on('data', (part: string) => {
    stderr += part;
  });
  const ended = once(holder, 'exit').then(() => Promise.reject(new Error(`no root to install into: ${stderr}`)));
  const ready = holder.stdout ? once(holder.stdout, 'data', { signal: AbortSignal.timeout(SETUP_DEADLINE_MS) }) : ended;
  await Promise.race([ready, ended]);
  ended.catch(() => {});
}

/** unshare itself stays outside of the process namespace that it made. */
async function firstChild(holder: ChildProcess): Promise<number> {
  const { stdout } = await execute('/usr/bin/cat', [`/proc/${holder.pid}/task/${holder.pid}/children`]);
  const pid = Number(stdout.trim());
  if (!Number.isInteger(pid) || pid <= 1) throw new Error('the root to install into has no process');
  return pid;
}

function execute(
  file: string,
  args: readonly string[],
  options: { env?: Record<string, string>; timeoutMs?: number } = {},
): Promise<Executed> {
  return new Promise((resolve) => {
    const settings = { env: options.env ?? {}, timeout: options.timeoutMs ?? EXEC_DEADLINE_MS, maxBuffer: MOST_OUTPUT_BYTES };
    const child = execFile(file, args, settings, (error, stdout, stderr) => {
      // A program that could not be started has no exit code.
      resolve({ code: child.exitCode, stdout, stderr: child.pid === undefined && error ? `${stderr}${error.message}` : stderr });
    });
  });
}

/** With the one that holds the root the kernel ends whatever else runs in the namespace, and frees its mounts. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
