import { appendFile, copyFile, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAX_OUTBOX_AGE_MS, MAX_OUTBOX_BYTES } from '../../../../agent/report/outbox.ts';
import { EPOCH, freshDir, NEXT_EPOCH, openBox, put, seqs, takeAll } from './open-box.ts';
import { AT, aReport } from './sample-report.ts';

async function segmentsOf(dir: string): Promise<string[]> {
  return (await readdir(dir)).sort().map((name) => path.join(dir, name));
}

async function newest(dir: string): Promise<string> {
  return (await segmentsOf(dir)).at(-1) ?? '';
}

describe('what is appended', () => {
  it('comes out as it went in, the oldest first, counted by one, also after a restart', async () => {
    const opened = await openBox(await freshDir());
    const put1 = [await put(opened), ...(await Promise.all([put(opened), put(opened), put(opened)]))];
    expect(seqs(put1)).toEqual([0, 1, 2, 3]);
    await opened.box.acknowledge(put1[0]?.id ?? '');
    await opened.box.close();
    const again = await openBox(opened.dir);
    const put2 = await put(again);
    expect(again.box.stats()).toMatchObject({ reports: 4, dropped: 0 });
    expect(await takeAll(again)).toEqual([...put1.slice(1), put2]);
    expect(put2).toMatchObject({ seq: 4, epoch: EPOCH });
    expect([...opened.faults, ...again.faults]).toEqual([]);
  });

  it('stands in files that root alone may read', async () => {
    const opened = await openBox(await freshDir());
    await put(opened);
    expect((await stat(opened.dir)).mode & 0o777).toBe(0o700);
    for (const file of await segmentsOf(opened.dir)) expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('is removed from the disk once it is sent, and its numbers stay taken', async () => {
    const opened = await openBox(await freshDir());
    for (let i = 0; i < 40; i++) {
      await put(opened, { padding: 50_000 });
      await takeAll(opened);
    }
    expect(opened.box.stats().bytes).toBeLessThan(600_000);
    await opened.box.close();
    const again = await openBox(opened.dir);
    expect(await put(again)).toMatchObject({ seq: 40 });
    expect(await segmentsOf(opened.dir)).toHaveLength(1);
  });

  it('is refused when it is no report of the contract, or not in its place, and takes no number', async () => {
    const opened = await openBox(await freshDir());
    const refused = { name: 'StoreError', code: 'not-storable' };
    const append = (seqOff: number, version: string) =>
      opened.box.append((id, epoch, seq) => ({ ...aReport(id, epoch, seq + seqOff), agent: { version, platform: 'linux' } }), {
        kind: 'change',
      });
    await expect(append(0, 'v'.repeat(51))).rejects.toMatchObject(refused);
    await expect(append(1, '1')).rejects.toMatchObject(refused);
    const both = [append(0, 'v'.repeat(51)), append(0, '1')];
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(seqs(await takeAll(opened))).toEqual([0]);
  });
});

describe('an epoch', () => {
  it('of a new boot counts from 0, and leaves what waits as it is', async () => {
    const opened = await openBox(await freshDir());
    const old = [await put(opened), await put(opened)];
    await opened.box.close();
    const booted = await openBox(opened.dir, { epoch: NEXT_EPOCH });
    expect(await put(booted)).toMatchObject({ epoch: NEXT_EPOCH, seq: 0 });
    expect((await takeAll(booted)).slice(0, 2)).toEqual(old);
  });

  it('that is begun for taken numbers stamps what waits anew, and holds after restarts that ask for either', async () => {
    const opened = await openBox(await freshDir());
    const [sent, ...left] = [await put(opened), await put(opened), await put(opened)];
    await opened.box.acknowledge(sent?.id ?? '');
    await opened.box.newEpoch(NEXT_EPOCH);
    const expected = left.map((report, seq) => ({ ...report, epoch: NEXT_EPOCH, seq }));
    expect(await opened.box.peek()).toEqual({ report: expected[0] });
    await opened.box.close();
    const again = await openBox(opened.dir);
    const third = await put(again);
    expect(third).toMatchObject({ epoch: NEXT_EPOCH, seq: 2 });
    await again.box.close();
    const asked = await openBox(opened.dir, { epoch: NEXT_EPOCH });
    expect(await put(asked)).toMatchObject({ epoch: NEXT_EPOCH, seq: 3 });
    expect((await takeAll(asked)).slice(0, 3)).toEqual([...expected, third]);
  });

  it('that is the present one cannot be begun', async () => {
    const opened = await openBox(await freshDir());
    await expect(opened.box.newEpoch(EPOCH)).rejects.toMatchObject({ code: 'not-storable' });
  });

  it('is a new one where the newest file does not say which numbers are taken', async () => {
    const opened = await openBox(await freshDir());
    const one = await put(opened);
    await opened.box.close();
    const file = await newest(opened.dir);
    const bytes = await readFile(file);
    bytes[20] = 0;
    await writeFile(file, bytes);
    const again = await openBox(opened.dir);
    expect(again.faults).toMatchObject([{ code: 'corrupt' }]);
    const two = await put(again);
    expect(two).toMatchObject({ seq: 0 });
    expect([EPOCH, NEXT_EPOCH]).not.toContain(two.epoch);
    expect(await takeAll(again)).toEqual([one, two]);
  });
});

describe('damage', () => {
  it('at the tail, cut at any byte, takes the torn report alone and hides none that follow', async () => {
    const opened = await openBox(await freshDir());
    const kept = [await put(opened), await put(opened)];
    const before = (await stat(await newest(opened.dir))).size;
    await put(opened);
    await opened.box.close();
    const file = await newest(opened.dir);
    const { size } = await stat(file);
    for (let length = size - 1; length >= before; length--) {
      await truncate(file, length);
      const torn = await openBox(opened.dir);
      expect([length, torn.box.stats().reports, torn.faults]).toEqual([length, 2, []]);
      // Writing costs a hundred times as much as looking.
      if (length % 37 > 0) continue;
      const dir = await freshDir();
      await mkdir(dir, { recursive: true });
      await copyFile(file, path.join(dir, path.basename(file)));
      const writing = await openBox(dir);
      const next = await put(writing);
      await writing.box.close();
      const again = await openBox(dir);
      expect([length, await takeAll(again), again.faults]).toEqual([length, [...kept, next], []]);
      expect(next.seq).toBe(2);
    }
  });

  it('in the middle, at any byte, takes the report it hits alone, is told, and frees no number', async () => {
    const opened = await openBox(await freshDir());
    const reports = [await put(opened)];
    const from = (await stat(await newest(opened.dir))).size;
    reports.push(await put(opened));
    const to = (await stat(await newest(opened.dir))).size;
    reports.push(await put(opened));
    await opened.box.close();
    const file = await newest(opened.dir);
    const whole = await readFile(file);
    for (let offset = from; offset < to; offset += 13) {
      const bytes = Buffer.from(whole);
      bytes[offset] = (bytes[offset] ?? 0) ^ 0x15;
      await writeFile(file, bytes);
      const hurt = await openBox(opened.dir);
      expect(hurt.faults.map(({ code }) => code)).toContain('corrupt');
      expect(hurt.box.stats().reports).toBe(2);
      expect([await hurt.box.peek(), reports.length]).toEqual([{ report: reports[0] }, 3]);
      await hurt.box.close();
    }
    const last = Buffer.from(whole);
    last[whole.length - 2] = 0;
    await writeFile(file, last);
    const hurt = await openBox(opened.dir);
    // The last report, 2, is lost, and may have been sent.
    expect((await put(hurt)).seq).toBe(3);
    expect(seqs(await takeAll(hurt))).toEqual([0, 1, 3]);
  });

  it('while it is open is told, and the rest is sent', async () => {
    const opened = await openBox(await freshDir());
    await put(opened);
    const second = await put(opened);
    const file = await newest(opened.dir);
    const bytes = await readFile(file);
    bytes[300] = 0;
    await writeFile(file, bytes);
    expect(await takeAll(opened)).toEqual([second]);
    expect(opened.faults).toMatchObject([{ code: 'corrupt' }]);
  });

  it('by strangers in the directory is left alone', async () => {
    const opened = await openBox(await freshDir());
    const one = await put(opened);
    await opened.box.close();
    await writeFile(path.join(opened.dir, 'segment-1.ndjson'), 'x\n');
    await appendFile(path.join(opened.dir, '.segment-000000000009.ndjson.1-000000000000.tmp'), 'half');
    const again = await openBox(opened.dir);
    expect(await takeAll(again)).toEqual([one]);
    expect(again.faults).toEqual([]);
  });
});

describe('the bounds', () => {
  it('let go of what tells nothing new first, and of changes last, the oldest first', async () => {
    const maxBytes = 400_000;
    const opened = await openBox(await freshDir(), { maxBytes });
    const kindOf = (i: number) => (i % 3 === 0 ? 'unchanged' : 'change');
    for (let i = 0; i < 45; i++) {
      await put(opened, { kind: kindOf(i), padding: 10_000 });
      expect(opened.box.stats().bytes).toBeLessThanOrEqual(maxBytes);
    }
    const { reports, dropped } = opened.box.stats();
    expect(reports + dropped).toBe(45);
    expect(opened.faults.map(({ code }) => code)).toContain('dropped');
    await opened.box.close();
    const again = await openBox(opened.dir, { maxBytes });
    const left = seqs(await takeAll(again));
    expect(left).toHaveLength(reports);
    const gone = Array.from({ length: 45 }, (_, seq) => seq).filter((seq) => !left.includes(seq));
    // Fifteen told nothing new: no change went while an older one of these was there.
    expect(gone.filter((seq) => kindOf(seq) === 'unchanged')).toHaveLength(gone.length);
    for (let i = 45; i < 90; i++) await put(again, { padding: 10_000 });
    expect(Math.min(...seqs(await takeAll(again)))).toBeGreaterThan(45);
  });

  it('refuse what is larger than all of it', async () => {
    const opened = await openBox(await freshDir(), { maxBytes: 20_000 });
    await put(opened);
    await expect(put(opened, { padding: 30_000 })).rejects.toMatchObject({ name: 'StoreError', code: 'not-storable' });
    await put(opened);
    expect(opened.box.stats()).toMatchObject({ reports: 1, dropped: 1 });
  });

  it('let go of what is too old', async () => {
    let nowMs = Date.parse(AT);
    const opened = await openBox(await freshDir(), { wallMs: () => nowMs });
    await put(opened);
    nowMs += MAX_OUTBOX_AGE_MS;
    const young = [await put(opened, { madeAt: new Date(nowMs).toISOString() })];
    expect(opened.box.stats()).toMatchObject({ reports: 2, dropped: 0 });
    nowMs += 1;
    young.push(await put(opened, { madeAt: new Date(nowMs).toISOString() }));
    expect(opened.faults).toEqual([{ code: 'dropped', detail: '1 reports: too old' }]);
    expect(await takeAll(opened)).toEqual(young);
  });

  it('hold a week offline: 10,000 reports, of which no change is lost that fits', { timeout: 60_000 }, async () => {
    let nowMs = Date.parse(AT);
    const opened = await openBox(await freshDir(), { wallMs: () => nowMs });
    const weekMs = 7 * 24 * 60 * 60_000;
    for (let batch = 0; batch < 100; batch++) {
      nowMs += weekMs / 100;
      const madeAt = new Date(nowMs).toISOString();
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => put(opened, { madeAt, padding: 4_200, kind: i % 10 === 0 ? 'unchanged' : 'change' })),
      );
    }
    const { reports, bytes, dropped } = opened.box.stats();
    console.log(`${reports} reports, ${bytes} bytes, ${dropped} dropped`);
    expect(bytes).toBeLessThanOrEqual(MAX_OUTBOX_BYTES);
    expect(reports + dropped).toBe(10_000);
    // The 9,000 changes fit.
    expect(dropped).toBeGreaterThan(0);
    expect(dropped).toBeLessThanOrEqual(1_000);
    await opened.box.close();
    const startedMs = performance.now();
    const again = await openBox(opened.dir, { wallMs: () => nowMs });
    console.log(`opened in ${Math.round(performance.now() - startedMs)} ms`);
    expect(again.box.stats()).toEqual({ reports, bytes, dropped: 0 });
    expect((await put(again, { madeAt: new Date(nowMs).toISOString() })).seq).toBe(10_000);
    await again.box.close();
  });
});
