import { spawn } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { openStateFile } from '../../../../agent/store/state-file.ts';
import { repoRoot } from '../../../../build/repo.ts';

const KILLS = Number(process.env.DESKWARDEN_KILLS ?? 60);
const seed = Number(process.env.DESKWARDEN_SEED ?? randomInt(2 ** 31));

/** A writer takes well under this between two acknowledged values, so that kills fall on every step of one. */
const LONGEST_LIFE_MS = 25;

const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-kill-'));
afterAll(() => rm(root, { recursive: true, force: true }));
const writerPath = path.join(root, 'writer.mjs');
const statePath = path.join(root, 'desk', 'state.json');

const Value = z.strictObject({ n: z.int(), filler: z.string(), digest: z.string() });

/** Writes values of many sizes for ever, and says each one's number once it is told that it is on the disk. */
const writer = `
  import { createHash } from 'node:crypto';
  import { writeSync } from 'node:fs';
  import { z } from 'zod';
  import { openStateFile } from './agent/store/state-file.ts';
  const schema = z.strictObject({ n: z.int(), filler: z.string(), digest: z.string() });
  const file = await openStateFile({ path: process.argv[2], schema, fallback: { n: 0, filler: '', digest: '' } });
  for (let { n } = await file.read(); ; ) {
    n += 1;
    const filler = String(n % 10).repeat((n * 7919) % 150_000);
    await file.write({ n, filler, digest: createHash('sha256').update(n + filler).digest('hex') });
    writeSync(1, n + '\\n');
  }`;

beforeAll(async () => {
  await build({
    stdin: { contents: writer, resolveDir: repoRoot, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: writerPath,
    logLevel: 'silent',
  });
});

function isWhole({ n, filler, digest }: z.infer<typeof Value>): boolean {
  return (
    digest ===
    createHash('sha256')
      .update(n + filler)
      .digest('hex')
  );
}

/** Repeatable: the same seed kills after the same delays. */
function delays(count: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 32) * LONGEST_LIFE_MS;
  });
}

async function killedAfter(delayMs: number): Promise<{ acknowledged: number; torn: number }> {
  const child = spawn(process.execPath, [writerPath, statePath], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  let torn = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-100);
  });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  const killAt = performance.now() + delayMs;
  while (performance.now() < killAt) {
    if (!isWhole(Value.parse(JSON.parse(await readFile(statePath, 'utf8'))))) torn += 1;
  }
  child.kill('SIGKILL');
  await closed;
  return { acknowledged: Number(said.trim().split('\n').at(-1)), torn };
}

it(
  `finds a whole old or new value after each of ${KILLS} kills, seed ${seed}`,
  async () => {
    console.log(`seed ${seed}`);
    let leftovers = 0;
    let last = 0;
    for (const delayMs of delays(KILLS)) {
      const { acknowledged, torn } = await killedAfter(delayMs);
      leftovers += (await readdir(path.dirname(statePath))).length - 1;
      const setAside: unknown[] = [];
      const file = await openStateFile({
        path: statePath,
        schema: Value.nullable(),
        fallback: null,
        onSetAside: (report) => setAside.push(report),
      });
      const found = await file.read();
      expect({ torn, setAside, whole: found !== null && isWhole(found) }, `seed ${seed}`).toEqual({ torn: 0, setAside: [], whole: true });
      // The value whose write was under way may or may not have made it; nothing that was acknowledged is lost.
      expect([acknowledged, acknowledged + 1], `seed ${seed}`).toContain(found?.n);
      expect(found?.n).toBeGreaterThan(last);
      expect(await readdir(path.dirname(statePath))).toEqual(['state.json']);
      last = found?.n ?? 0;
      await sleep(0);
    }
    // Else no kill fell within a write, and nothing was shown.
    expect(leftovers, `seed ${seed}`).toBeGreaterThan(0);
    console.log(`${leftovers} of ${KILLS} kills fell between the creation and the renaming of a file; ${last} values`);
  },
  30_000 + KILLS * 2_000,
);
