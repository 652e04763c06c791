import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../../../agent/local-api/limits.ts';
import { LinkFault } from '../../../../contracts/local-link/link-fault.ts';
import { type Stage, type StagedApi, snapshot, stageLocalApi, until } from './staged-api.ts';

const crowdPath = fileURLToPath(new URL('./crowd-of-clients.ts', import.meta.url));
/** What a person at the tray app does not notice. */
const SERVED_WITHIN_MS = 1_000;
/** It is the cap that ends them, not their silence. */
const patient = { firstCallMs: 60_000 };

let stage: Stage;
let crowd: ChildProcess | undefined;
beforeEach(async () => {
  stage = await stageLocalApi();
});
afterEach(async () => {
  crowd?.kill('SIGKILL');
  await stage.close();
});

function gather(path: string, count: number, manner: string): ChildProcess {
  crowd = spawn(process.execPath, ['--import', 'tsx', crowdPath, path, String(count), manner, String(LIMITS.perUser)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return crowd;
}

async function disperse(child: ChildProcess): Promise<Record<string, number>> {
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  child.stdin?.write('\n');
  await once(child, 'close');
  return JSON.parse(text);
}

/** Asks until it is answered, as the tray app does: a connection that was put out is made again. */
async function askPolitely(staged: StagedApi): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    try {
      const client = await staged.client();
      const result = await client.snapshot();
      client.close();
      expect(result).toEqual({ ok: true, value: snapshot });
      return performance.now() - startedMs;
    } catch (error) {
      if (!(error instanceof LinkFault) || performance.now() - startedMs > 10_000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe('1,000 clients of one user', () => {
  it('that say nothing do not put out the one that was there, and it is served', { timeout: 30_000 }, async () => {
    const staged = await stage.listen({ limits: patient });
    const tray = await staged.client();
    const before = process.memoryUsage().rss;
    const child = gather(staged.path, 1_000, 'silent');
    let slowestMs = 0;
    const startedMs = performance.now();
    await until(() => staged.faults.length > 500, 20_000);
    while (performance.now() - startedMs < 3_000) {
      const askedMs = performance.now();
      expect(await tray.snapshot()).toEqual({ ok: true, value: snapshot });
      slowestMs = Math.max(slowestMs, performance.now() - askedMs);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect(slowestMs).toBeLessThan(SERVED_WITHIN_MS);
    expect(await askPolitely(staged)).toBeLessThan(3_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(40 * 1024 * 1024);
    const met = await disperse(child);
    expect(Number(met.connected) - Number(met.ended)).toBeLessThanOrEqual(LIMITS.perUser);
    expect(Number(met.connected) + Number(met.failed)).toBe(1_000);
    expect(met.busy).toBeGreaterThan(0);
  });

  it.each(['calling', 'garbage'])('that come %s leave a polite one its turn', { timeout: 30_000 }, async (manner) => {
    const staged = await stage.listen({ limits: patient });
    const child = gather(staged.path, 1_000, manner);
    await until(() => staged.faults.length > 500, 20_000);
    expect(await askPolitely(staged)).toBeLessThan(3_000);
    const met = await disperse(child);
    expect(Number(met.connected) - Number(met.ended)).toBeLessThanOrEqual(LIMITS.perUser);
  });
});
