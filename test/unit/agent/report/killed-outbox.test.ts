import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openOutbox } from '../../../../agent/report/outbox.ts';
import { repoRoot } from '../../../../build/repo.ts';
import { EPOCH } from './open-box.ts';

const KILLS = Number(process.env.DESKWARDEN_KILLS ?? 10);
const seed = Number(process.env.DESKWARDEN_SEED ?? randomInt(2 ** 31));
const LONGEST_LIFE_MS = 200;

// On a disk, where a sync takes its time and kills fall into it.
const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-outbox-kill-'));
afterAll(() => rm(root, { recursive: true, force: true }));
const deskPath = path.join(root, 'desk.mjs');
const dir = path.join(root, 'outbox');

/** Appends in bursts and sends beside it for ever; says what it was told is stored, what it sends, and what was lost. */
const desk = `
  import { writeSync } from 'node:fs';
  import { openOutbox } from './agent/report/outbox.ts';
  import { aReport } from './test/unit/agent/report/sample-report.ts';
  const say = (...words) => writeSync(1, words.join(' ') + '\\n');
  const onFault = ({ code, detail }) => say('fault', code, detail);
  const box = await openOutbox({ dir: process.argv[2], epoch: process.argv[3], wallMs: () => Date.now(), onFault });
  const append = async (padding) => {
    let made;
    await box.append((id, epoch, seq) => (made = aReport(id, epoch, seq, { madeAt: new Date().toISOString(), padding })), { kind: 'change' });
    say('stored', made.id, made.epoch, made.seq);
  };
  void (async () => {
    for (;;) {
      const next = await box.peek();
      if (next) say('sent', next.report.id, next.report.epoch, next.report.seq);
      if (next) await box.acknowledge(next.report.id);
      else await new Promise((resolve) => setTimeout(resolve, 1));
      if (Math.random() < 0.05) await box.newEpoch(crypto.randomUUID());
    }
  })();
  for (let n = 0; ; n++) {
    await Promise.all([append(n % 7 * 4000), append(0), append(40000)]);
    // Else it would store more than it may keep.
    while (box.stats().reports > 100) await new Promise((resolve) => setTimeout(resolve, 1));
  }
`;

beforeAll(async () => {
  await build({
    stdin: { contents: desk, resolveDir: repoRoot, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: deskPath,
    logLevel: 'silent',
    external: ['node:*'],
  });
});

/** Repeatable: the same seed kills after the same delays. */
function* delays(): Generator<number> {
  let state = seed;
  for (let i = 0; i < KILLS; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield (state / 2 ** 32) * LONGEST_LIFE_MS;
  }
}

async function killedAfter(delayMs: number): Promise<string[][]> {
  const child = spawn(process.execPath, [deskPath, dir, EPOCH], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  child.kill('SIGKILL');
  await closed;
  return said
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '));
}

it(`loses nothing that was stored, and gives no place twice, over ${KILLS} kills, seed ${seed}`, {
  timeout: 30_000 + KILLS * 3_000,
}, async () => {
  console.log(`seed ${seed}`);
  const stored = new Set<string>();
  const sent: string[] = [];
  const idOf = new Map<string, string>();
  const saw = (id: string, epoch: string, seq: string | number) => {
    const place = `${epoch} ${seq}`;
    expect(idOf.get(place) ?? id, `seed ${seed}: ${place}`).toBe(id);
    idOf.set(place, id);
  };
  for (const delayMs of delays()) {
    for (const [what = '', id = '', epoch = '', seq = ''] of await killedAfter(delayMs)) {
      expect(what, `seed ${seed}: ${id} ${epoch}`).not.toBe('fault');
      if (what === 'stored') stored.add(id);
      else sent.push(id);
      saw(id, epoch, seq);
    }
  }
  const faults: unknown[] = [];
  const box = await openOutbox({ dir, epoch: EPOCH, wallMs: () => Date.now(), onFault: (fault) => faults.push(fault) });
  const left = box.stats().reports;
  for (let next = await box.peek(); next; next = await box.peek()) {
    saw(next.report.id, next.report.epoch, next.report.seq);
    sent.push(next.report.id);
    await box.acknowledge(next.report.id);
  }
  await box.close();
  expect(faults).toEqual([]);
  const delivered = [...new Set(sent)].filter((id) => stored.has(id));
  expect(delivered, `seed ${seed}: all that was stored, in its order`).toEqual([...stored]);
  expect(stored.size, `seed ${seed}: a desk that stores nothing shows nothing`).toBeGreaterThan(KILLS);
  const twice = sent.length - new Set(sent).size;
  console.log(`${KILLS} kills: ${stored.size} stored, ${left} left, ${twice} sent twice, ${new Set(sent).size} in all`);
});
