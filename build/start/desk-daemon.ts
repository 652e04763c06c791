import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { attend } from './attend.ts';
import type { Desk } from './desk.ts';
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

export interface DeskDaemonSettings {
  cli: readonly string[];
  /** What it keeps from one start to the next. */
  stateDir: string;
  /** Its reason is the signal. */
  stop: AbortSignal;
  say: (line: string) => void;
}

export interface DeskDaemon {
  configPath: string;
  runDir: string;
  isEnrolled(): boolean;
  /** Runs a command of this desk's `deskwarden`. Resolves to its exit status. */
  command(argv: readonly string[]): Promise<number>;
  /** Runs the daemon; `decided` resolves after its first verdict, `ended` to its exit status. From `tell` on its events are said. */
  run(): { decided: Promise<void>; ended: Promise<number>; tell(): void; end(): void };
}

export async function prepareDaemon(desk: Desk, { cli, stateDir, stop, say }: DeskDaemonSettings): Promise<DeskDaemon> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const configPath = path.join(stateDir, 'daemon.yaml');
  const runDir = path.join(desk.dir, 'run');
  const logDir = path.join(desk.dir, 'log');
  await writeFile(
    configPath,
    `schema: 1\npolicy: ${desk.policyPath}\nstateDir: ${path.join(stateDir, 'state')}\nrunDir: ${runDir}\nlogDir: ${logDir}\n`,
  );
  const env = { ...desk.env, DESKWARDEN_CONFIG: configPath };

  return {
    configPath,
    runDir,
    isEnrolled: () => existsSync(path.join(stateDir, 'state', 'identity.json')),
    command: (argv) => attend(desk.spawn([...cli, ...argv], { env, stdio: 'inherit' }), stop, STOP_MS),
    run() {
      const argv = [...cli, 'daemon'];
      // `ip netns exec` has given a desk apart mounts of its own.
      const started = desk.apart ? ['/bin/sh', '-ec', hideBrowserPolicies, 'sh', ...argv] : argv;
      const daemon = desk.spawn(started, { env, stdio: ['ignore', 'pipe', 'inherit'] });
      const enough = new AbortController();
      const ended = attend(daemon, AbortSignal.any([stop, enough.signal]), STOP_MS);
      let isTelling = false;
      let last = '';
      const verdict = new Promise<void>((resolve) => {
        if (!daemon.stdout) return;
        createInterface({ input: daemon.stdout }).on('line', (text) => {
          const line = readLogLine(text);
          if (line === null) return;
          // A verdict that is as it was when the daemon last ran is no news: then the gate tells of it.
          if (line.event === 'verdict' && line.standing !== 'undetermined') resolve();
          if (line.event === 'gate' && !line.reason.startsWith('undetermined')) resolve();
          const words = inWords(line);
          if (isTelling && words !== last) say(`${new Date().toTimeString().slice(0, 8)}  ${words}`);
          last = words;
        });
      });
      const decided = Promise.race([verdict, ended, delay(DECIDE_MS, undefined, { ref: false })]).then(() => {});
      return {
        decided,
        ended,
        tell: () => {
          isTelling = true;
        },
        end: () => enough.abort('SIGTERM'),
      };
    },
  };
}
