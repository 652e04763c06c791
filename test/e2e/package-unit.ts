import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { PackageRoot } from './package-root.ts';

/** What a command of a unit printed, and how it ended: 128 + N after signal N. */
export interface UnitRun {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunningUnit {
  /** As the root counts them. */
  pid: number;
  ended: Promise<UnitRun>;
  /** Sends a signal and waits for the end. */
  end(signal: 'TERM' | 'KILL'): Promise<UnitRun>;
}

/** An installed unit, of a root in which systemd does not run. */
export interface Unit {
  /** Starts the command that the unit names so, `ExecStart` or another one. */
  start(key: string): Promise<RunningUnit>;
  run(key: string): Promise<UnitRun>;
}

/**
 * As systemd would start it: its directories made, everything else read-only but what the unit names, its user mask, no
 * capability but those named, and an empty environment. Not its filter of system calls, nor its limits.
 */
const confined = `
set -e
echo $$
places=$1
capabilities=$2
shift 2
mkdir -p -m 0700 /var/lib/deskwarden /var/log/deskwarden
mkdir -p -m 0755 /run/deskwarden
for dir in $places; do if [ -d $dir ]; then mount --bind $dir $dir; fi; done
mount -o remount,bind,ro /
mount -o remount,bind,ro /run
umask 0077
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=$capabilities "$@"
`;

export async function readUnit(root: PackageRoot, name: string): Promise<Unit> {
  const dir = '/lib/systemd/system';
  const text = await root.ok('/usr/bin/cat', `${dir}/${name}`, `${dir}/${name}.d/sandbox.conf`);
  const value = (key: string): string => {
    const [line] = text.split('\n').filter((one) => one.startsWith(`${key}=`));
    if (line === undefined) throw new Error(`${name} has no ${key}`);
    return line.slice(key.length + 1);
  };
  const words = (key: string) =>
    value(key)
      .replace(/(^| )-/g, '$1')
      .split(' ');
  const places = [...words('ReadWritePaths'), '/var/lib/deskwarden', '/var/log/deskwarden', '/run/deskwarden'];
  const capabilities = ['-all', ...words('CapabilityBoundingSet').map((cap) => `+${cap.toLowerCase().replace(/^cap_/, '')}`)];

  async function start(key: string): Promise<RunningUnit> {
    const [file = '', ...args] = value(key).replace(/^-/, '').split(' ');
    const script = ['/bin/sh', '-c', confined, 'sh', places.join(' '), capabilities.join(','), file, ...args];
    const child = root.spawn(['/usr/bin/unshare', '--mount', '--', ...script], { stdio: ['ignore', 'pipe', 'pipe'] });
    if (!child.stdout || !child.stderr) throw new Error('no pipes');
    const [lines, said] = [createInterface({ input: child.stdout }), { stdout: '', stderr: '' }];
    const first = once(lines, 'line') as Promise<[string]>;
    void first.then(() => lines.on('line', (line) => (said.stdout += `${line}\n`)));
    child.stderr.setEncoding('utf8').on('data', (part: string) => (said.stderr += part));
    // nsenter ends as what it started did.
    const ended = once(child, 'close').then(([code, signal]) => ({ ...said, code: code ?? (signal === 'SIGKILL' ? 137 : 143) }));
    const pid = Number((await Promise.race([first, ended.then(() => ['0'])]))[0]);
    return {
      pid,
      ended,
      async end(signal) {
        // It may have ended by itself.
        await root.exec(['/bin/kill', `-${signal}`, String(pid)]);
        return ended;
      },
    };
  }

  return { start, run: async (key) => (await start(key)).ended };
}
