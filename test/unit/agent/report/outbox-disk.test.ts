import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { EPOCH, type OpenBox, openBox, put, seqs, takeAll } from './open-box.ts';

const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-outbox-disk-'));
const mounted: string[] = [];
afterAll(async () => {
  for (const dir of mounted) execFileSync('/bin/umount', [dir]);
  await rm(root, { recursive: true, force: true });
});

/** A disk of its own, so that filling it harms nobody. */
async function smallDisk(context: TestContext): Promise<string> {
  const dir = await mkdtemp(path.join(root, 'mount-'));
  if (process.getuid?.() !== 0) context.skip('mounting a tmpfs needs root');
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', dir], { stdio: 'pipe' });
  } catch (error) {
    context.skip(`no tmpfs can be mounted here: ${String(error).slice(0, 200)}`);
  }
  mounted.push(dir);
  return dir;
}

/** Until nothing more goes in. */
async function fill(opened: OpenBox): Promise<number[]> {
  const taken: number[] = [];
  for (;;) {
    try {
      taken.push((await put(opened, { padding: 9_000 })).seq);
    } catch (error) {
      expect(error).toMatchObject({ name: 'StoreError', code: 'disk-full' });
      return taken;
    }
  }
}

describe('a full disk', () => {
  it('refuses reports with a code, hides none before or after, and gives no number twice', async (context) => {
    const disk = await smallDisk(context);
    const opened = await openBox(path.join(disk, 'outbox'));
    const before = await fill(opened);
    expect(before.length).toBeGreaterThan(10);
    for (let i = 0; i < 3; i++) await expect(put(opened, { padding: 9_000 })).rejects.toMatchObject({ code: 'disk-full' });
    // A shorter one finds room behind what was taken back.
    const small = await put(opened).catch(() => null);
    const first = await opened.box.peek();
    expect(first?.report.seq).toBe(0);

    // What is sent makes room once its file is gone; what a kill leaves now is read by the next start.
    const again = await openBox(path.join(disk, 'outbox'));
    const left = [...before, ...(small ? [small.seq] : [])];
    expect(again.box.stats().reports).toBe(left.length);
    expect(seqs(await takeAll(again))).toEqual(left);
    const next = await put(again);
    expect(next).toMatchObject({ epoch: EPOCH, seq: left.length });
    expect([opened.faults, seqs(await takeAll(again))]).toEqual([[], [next.seq]]);
  });

  it('takes reports again when there is room', async (context) => {
    const disk = await smallDisk(context);
    const opened = await openBox(path.join(disk, 'outbox'));
    await put(opened);
    await writeFile(path.join(disk, 'ballast'), Buffer.alloc(300_000)).catch(() => {});
    await expect(put(opened, { padding: 9_000 })).rejects.toMatchObject({ code: 'disk-full' });
    await expect(opened.box.newEpoch('00000000-0000-4000-8000-000000000009')).rejects.toMatchObject({ code: 'disk-full' });
    await rm(path.join(disk, 'ballast'));
    await put(opened, { padding: 9_000 });
    expect(seqs(await takeAll(opened))).toEqual([0, 1]);
  });
});

describe('a disk that may not be used', () => {
  it('is told, refuses reports with a code, and is used once it may', async (context) => {
    const disk = await smallDisk(context);
    const remount = (mode: 'ro' | 'rw') => execFileSync('/bin/mount', ['-o', `remount,${mode}`, disk]);
    remount('ro');
    const opened = await openBox(path.join(disk, 'outbox'));
    await expect(put(opened)).rejects.toMatchObject({ name: 'StoreError', code: 'read-only' });
    remount('rw');
    expect((await put(opened)).seq).toBe(0);
    // No disk is made read-only while a file of it is being written.
    await opened.box.close();
    remount('ro');
    await expect(put(opened)).rejects.toMatchObject({ code: 'read-only' });
    remount('rw');
    expect((await put(opened)).seq).toBe(1);
    expect(seqs(await takeAll(opened))).toEqual([0, 1]);
  });

  it('because its directory is a file, is tried again at every call', async () => {
    const dir = path.join(await mkdtemp(path.join(root, 'desk-')), 'outbox');
    await writeFile(dir, '');
    const opened = await openBox(dir);
    expect(opened.faults).toMatchObject([{ code: 'unusable' }]);
    await expect(put(opened)).rejects.toMatchObject({ name: 'StoreError', code: 'io' });
    await expect(opened.box.peek()).rejects.toMatchObject({ code: 'io' });
    await opened.box.acknowledge(EPOCH);
    expect(opened.box.stats()).toEqual({ reports: 0, bytes: 0, dropped: 0 });
    await rm(dir);
    await mkdir(dir);
    expect((await put(opened)).seq).toBe(0);
  });
});
