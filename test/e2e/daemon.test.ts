import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { toolPath } from '../../build/debian-tools.ts';
import { Snapshot } from '../../contracts/local-api.ts';
import { type Lab, whyNoLab, withLab } from '../lab/with-lab.ts';
import { shippedCli } from './shipped-cli.ts';

const why = whyNoLab();
const DEADLINE_MS = 60_000;

/** Counts soon and recovers soon, so that a test need not wait as a shift would. */
const eager = `
  - check: network.turn-udp
    everyMs: 5000
    settleMs: 2000
    recoverRuns: 1
  - check: network.media-quality
    on: { fail: note, degraded: note, unknown: note }
`;

interface Daemon {
  process: ChildProcess;
  log: () => Record<string, unknown>[];
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

async function prepare(lab: Lab): Promise<Record<string, string>> {
  const configPath = path.join(lab.dir, 'daemon.yaml');
  await lab.exec(['/bin/sh', '-c', 'cat >> "$LAB_POLICY"'], { input: eager });
  const lines = [
    'schema: 1',
    `policy: ${lab.policyPath}`,
    `stateDir: ${path.join(lab.dir, 'state')}`,
    `runDir: ${path.join(lab.dir, 'run')}`,
    `logDir: ${path.join(lab.dir, 'log')}`,
  ];
  await writeFile(configPath, lines.join('\n'));
  return { DESKWARDEN_CONFIG: configPath };
}

function startDaemon(lab: Lab, env: Record<string, string>): Daemon {
  const process = lab.spawn([...shippedCli, 'daemon'], { env: { ...lab.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  process.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  return {
    process,
    log: () =>
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    async stop(signal) {
      const ended = once(process, 'exit');
      process.kill(signal);
      const [code] = (await ended) as [number | null];
      return code;
    },
  };
}

async function status(lab: Lab, env: Record<string, string>): Promise<{ code: number | null; snapshot: Snapshot | null }> {
  const { code, stdout } = await lab.exec([...shippedCli, 'status', '--json'], { env, timeoutMs: DEADLINE_MS });
  return { code, snapshot: stdout === '' ? null : Snapshot.parse(JSON.parse(stdout)) };
}

/** Asks until the standing is the wanted one, and returns that answer. */
async function until(lab: Lab, env: Record<string, string>, standing: string): Promise<Snapshot> {
  const deadline = performance.now() + DEADLINE_MS / 2;
  for (;;) {
    const { snapshot } = await status(lab, env);
    if (snapshot?.verdict?.standing === standing) return snapshot;
    if (performance.now() > deadline) throw new Error(`the standing is ${snapshot?.verdict?.standing ?? 'not told'}, not ${standing}`);
  }
}

describe.skipIf(why !== null)(`the daemon in the lab${why === null ? '' : `: ${why}`}`, () => {
  it('follows the network without a restart, and closes nothing', { timeout: 2 * DEADLINE_MS }, async () => {
    await withLab('udp-blocked', async (lab) => {
      const env = await prepare(lab);
      const daemon = startDaemon(lab, env);
      const blocked = await until(lab, env, 'blocked');
      expect(blocked.verdict?.causes[0]?.check).toBe('network.turn-udp');
      expect(blocked.gate).toMatchObject({ state: 'open', acting: false, notActingBecause: 'not-enrolled' });
      expect(blocked.gate.wouldBe).not.toBe('open');
      await lab.execInSite([toolPath('nft'), 'flush', 'ruleset']);
      const clear = await until(lab, env, 'clear');
      expect(clear.gate).toMatchObject({ state: 'open', wouldBe: 'open' });
      expect(await daemon.stop('SIGTERM')).toBe(0);
      expect(await status(lab, env)).toEqual({ code: 69, snapshot: null });
      expect(daemon.log().filter(({ event }) => event === 'fault')).toEqual([]);
    });
  });

  it('a block stands from the first moment after kill -9', { timeout: 2 * DEADLINE_MS }, async () => {
    await withLab('udp-blocked', async (lab) => {
      const env = await prepare(lab);
      const first = startDaemon(lab, env);
      const { daemon } = await until(lab, env, 'blocked');
      // A save is at most some seconds behind.
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      await first.stop('SIGKILL');
      const second = startDaemon(lab, env);
      const { snapshot } = await (async () => {
        for (;;) {
          const answer = await status(lab, env);
          if (answer.snapshot) return answer;
        }
      })();
      expect(snapshot?.verdict?.standing).toBe('blocked');
      expect(snapshot?.daemon.epoch).toBe(daemon.epoch);
      const standings = second.log().flatMap((line) => (line.event === 'verdict' ? [line.standing] : []));
      expect(standings.filter((standing) => standing !== 'blocked')).toEqual([]);
      await second.stop('SIGTERM');
    });
  });

  it('refuses a configuration that names no policy, and says what to write', async () => {
    await withLab('healthy', async (lab) => {
      const configPath = path.join(lab.dir, 'daemon.yaml');
      const env = { DESKWARDEN_CONFIG: configPath };
      const run = () => lab.exec([...shippedCli, 'daemon'], { env, timeoutMs: DEADLINE_MS });
      expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining(`there is no configuration at ${configPath}`) });
      await writeFile(configPath, 'schema: 1\npolicies: /etc/deskwarden/policy.yaml\n');
      expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining('unknown key "policies"') });
    });
  });
});
