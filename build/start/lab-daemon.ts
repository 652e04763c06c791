import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '../../test/lab/with-lab.ts';
import { attend } from './attend.ts';
import { inWords, readLogLine } from './log-words.ts';

/** It decides within two seconds; on a busy machine its status is shown as it is after this. */
const DECIDE_MS = 60_000;
const STOP_MS = 10_000;

/** A daemon that this computer has already keeps its own files there, which this one is not to see. */
const hideBrowserPolicies = `
for dir in /etc/chromium /etc/opt /etc/firefox; do
  if [ -d $dir ]; then mount -t tmpfs -o mode=0755 tmpfs $dir; fi
done
exec "$@"
`;

export interface LabDaemonSettings {
  cli: readonly string[];
  /** Goes on until it is told to stop, and tells what happens; else it ends once it has decided. */
  keep: boolean;
  /** Its reason is the signal. */
  stop: AbortSignal;
  say: (line: string) => void;
}

/** Runs the daemon on the lab's desk, where it observes, and shows its status once it has decided. Resolves to its exit status. */
export async function runLabDaemon(lab: Lab, { cli, keep, stop, say }: LabDaemonSettings): Promise<number> {
  const configPath = path.join(lab.dir, 'daemon.yaml');
  const dirs = ['state', 'run', 'log'].map((name) => `${name}Dir: ${path.join(lab.dir, name)}\n`);
  await writeFile(configPath, `schema: 1\npolicy: ${lab.policyPath}\n${dirs.join('')}`);
  const env = { ...lab.env, DESKWARDEN_CONFIG: configPath };

  // `ip netns exec` has given it mounts of its own.
  const daemon = lab.spawn(['/bin/sh', '-ec', hideBrowserPolicies, 'sh', ...cli, 'daemon'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const enough = new AbortController();
  const ended = attend(daemon, AbortSignal.any([stop, enough.signal]), STOP_MS);
  let isTelling = false;
  let last = '';
  const decided = new Promise<void>((resolve) => {
    if (!daemon.stdout) return;
    createInterface({ input: daemon.stdout }).on('line', (text) => {
      const line = readLogLine(text);
      if (line === null) return;
      if (line.event === 'verdict' && line.standing !== 'undetermined') resolve();
      const words = inWords(line);
      if (isTelling && words !== last) say(`${new Date().toTimeString().slice(0, 8)}  ${words}`);
      last = words;
    });
  });
  await Promise.race([decided, ended, delay(DECIDE_MS, undefined, { ref: false })]);

  if (daemon.exitCode === null && !stop.aborted) {
    say('\nThe daemon watches the same desk, and observes. `deskwarden status`:\n');
    await attend(lab.spawn([...cli, 'status'], { env, stdio: 'inherit' }), stop, STOP_MS);
    if (keep) say(`\nIt goes on until Ctrl-C. From another terminal:\n  DESKWARDEN_CONFIG=${configPath} npx deskwarden status\n`);
    isTelling = keep;
  }
  if (!keep) enough.abort('SIGTERM');
  return ended;
}
