import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MAX_SET_ASIDE, MAX_STATE_BYTES, openStateFile, type SetAside } from '../../../../agent/store/state-file.ts';
import { recordRun } from '../../../../checks/history.ts';
import { RuleId } from '../../../../contracts/finding.ts';
import { VerdictState } from '../../../../contracts/state.ts';

const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-state-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const Counter = z.strictObject({ n: z.number(), filler: z.string().optional() });

async function newPath(): Promise<string> {
  return path.join(await mkdtemp(path.join(root, 'desk-')), 'state.json');
}

async function opened(file: string) {
  const setAside: SetAside[] = [];
  const state = await openStateFile({ path: file, schema: Counter, fallback: { n: -1 }, onSetAside: (report) => setAside.push(report) });
  return { state, setAside };
}

describe('a state file', () => {
  it('falls back when there is none, and reads back what was written', async () => {
    const file = await newPath();
    const { state, setAside } = await opened(file);
    expect(await state.read()).toEqual({ n: -1 });
    await state.write({ n: 1 });
    expect(await state.read()).toEqual({ n: 1 });
    expect(await (await opened(file)).state.read()).toEqual({ n: 1 });
    expect([setAside, await readdir(path.dirname(file))]).toEqual([[], ['state.json']]);
  });

  it('is for its owner alone, and so is a directory it makes', async () => {
    const file = path.join(path.dirname(await newPath()), 'a', 'b', 'state.json');
    await (await opened(file)).state.write({ n: 1 });
    const modes = [file, path.dirname(file), path.dirname(path.dirname(file))].map(async (name) => (await stat(name)).mode & 0o777);
    expect(await Promise.all(modes)).toEqual([0o600, 0o700, 0o700]);
  });

  it('writes one after the other, the last one winning', async () => {
    const { state } = await opened(await newPath());
    const order: number[] = [];
    const writes = Array.from({ length: 500 }, (_, n) => state.write({ n }).then(() => order.push(n)));
    expect(await state.read()).toEqual({ n: 499 });
    await Promise.all(writes);
    expect(order).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });

  it('writes once what waits while a value is being written', async () => {
    const file = await newPath();
    const { state } = await opened(file);
    const writes = [1, 2, 3, 4].map((n) => state.write({ n }));
    await writes[0];
    expect(readFileSync(file, 'utf8')).toBe('{"n":4}');
    await Promise.all(writes);
  });

  it('keeps a value whole that came while another was being written', async () => {
    const { state } = await opened(await newPath());
    const first = state.write({ n: 1, filler: 'x'.repeat(1_000_000) });
    await Promise.resolve();
    const second = state.write({ n: 2 });
    await first;
    await second;
    expect(await state.read()).toEqual({ n: 2 });
  });

  it.each([
    ['what JSON cannot say', { n: Number.NaN }],
    ['what the schema refuses', { n: 1, more: 1 }],
    ['what would be too large to read', { n: 1, filler: 'x'.repeat(MAX_STATE_BYTES) }],
  ])('refuses %s, and keeps what it has', async (_name, value) => {
    const { state } = await opened(await newPath());
    await state.write({ n: 1 });
    await expect(state.write(value)).rejects.toMatchObject({ name: 'StoreError', code: 'not-storable' });
    expect(await state.read()).toEqual({ n: 1 });
  });

  it('keeps the whole verdict state', async () => {
    const rule = { settleMs: 0, recoverRuns: 2, on: { fail: 'block', degraded: 'warn', unknown: 'warn' } } as const;
    const outcome = { kind: 'fail', reason: 'r', args: { host: 'h' } } as const;
    const state: VerdictState = {
      schema: 1,
      epoch: '0a0f4f5e-2f5b-4c39-9f0e-7c2c4fbd3f5b',
      awake: { bootId: '11111111-2222-4333-8444-555555555555', monotonicMs: 1_234.5, awakeMs: 99.25 },
      histories: {
        [RuleId.parse('network.dns')]: recordRun(undefined, rule, outcome, { awakeMs: 99.25, wallIso: '2026-11-22T10:00:00Z' }),
      },
      findings: [],
      verdict: null,
      gate: null,
      turnAnswered: ['turn.example.com'],
    };
    const file = await openStateFile({ path: await newPath(), schema: VerdictState.nullable(), fallback: null });
    await file.write(state);
    expect(await file.read()).toEqual(state);
  });
});

describe('a file that cannot be used', () => {
  it.each([
    ['empty', (file: string) => writeFile(file, ''), 'not-json', '0 bytes: SyntaxError'],
    ['cut', (file: string) => writeFile(file, '{"n":1'), 'not-json', '6 bytes: SyntaxError'],
    ['of zeros', (file: string) => writeFile(file, Buffer.alloc(64)), 'not-json', '64 bytes: SyntaxError'],
    ['not UTF-8', (file: string) => writeFile(file, Buffer.from([0x22, 0xff, 0x22])), 'not-json', '3 bytes: TypeError'],
    ['of another shape', (file: string) => writeFile(file, '{"n":"1"}'), 'wrong-shape', 'Invalid input: expected number'],
    ['with a key nobody knows', (file: string) => writeFile(file, '{"n":1,"m":1}'), 'wrong-shape', 'Unrecognized key: "m"'],
    [
      'oversize',
      async (file: string) => {
        await writeFile(file, '{"n":1}');
        await truncate(file, MAX_STATE_BYTES + 1);
      },
      'too-large',
      `${MAX_STATE_BYTES + 1} bytes, at most ${MAX_STATE_BYTES}`,
    ],
    ['a directory', (file: string) => mkdir(file), 'not-a-file', 'not a regular file'],
    ['a pipe', async (file: string) => void spawnSync('/usr/bin/mkfifo', [file]), 'not-a-file', 'not a regular file'],
  ])('because it is %s is set aside', async (_name, make, reason, detail) => {
    const file = await newPath();
    await make(file);
    const { state, setAside } = await opened(file);
    expect(await state.read()).toEqual({ n: -1 });
    expect(setAside).toEqual([{ path: file, movedTo: `${file}.corrupt-1`, reason, detail: expect.stringContaining(detail) }]);
    expect(await readdir(path.dirname(file))).toEqual(['state.json.corrupt-1']);
    await state.write({ n: 2 });
    expect(await state.read()).toEqual({ n: 2 });
  });

  it('because it is a symbolic link is set aside as a link, and where it leads is neither read nor changed', async () => {
    const file = await newPath();
    const target = path.join(path.dirname(file), 'target.json');
    await writeFile(target, '{"n":7}');
    await symlink(target, file);
    const { state, setAside } = await opened(file);
    expect(await state.read()).toEqual({ n: -1 });
    expect(setAside).toMatchObject([{ reason: 'not-a-file', detail: 'a symbolic link' }]);
    expect(await readlink(`${file}.corrupt-1`)).toBe(target);

    await symlink(target, file);
    await state.write({ n: 2 });
    expect([await readFile(target, 'utf8'), await readFile(file, 'utf8')]).toEqual(['{"n":7}', '{"n":2}']);
  });

  it('is kept a bounded number of times, the latest', async () => {
    const file = await newPath();
    const { state, setAside } = await opened(file);
    for (let n = 1; n <= MAX_SET_ASIDE + 7; n++) {
      await writeFile(file, `bad ${n}`);
      await state.read();
    }
    const kept = Array.from({ length: MAX_SET_ASIDE }, (_, index) => `state.json.corrupt-${index + 8}`);
    expect((await readdir(path.dirname(file))).sort()).toEqual(kept.sort());
    expect(await readFile(`${file}.corrupt-12`, 'utf8')).toBe('bad 12');
    expect(setAside.length).toBe(MAX_SET_ASIDE + 7);
  });

  it('is never mixed up with a good one that is being written', async () => {
    const file = await newPath();
    const { state } = await opened(file);
    await writeFile(file, 'bad');
    const read = state.read();
    await state.write({ n: 3 });
    expect([await read, await state.read()]).toEqual([{ n: -1 }, { n: 3 }]);
  });
});

describe('what a killed writer left', () => {
  it('is removed at the next open, and nothing else is', async () => {
    const file = await newPath();
    const dir = path.dirname(file);
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const left = [`.state.json.${dead}-0123456789ab.tmp`, `.state.json.${process.pid}-0123456789ab.tmp`];
    const others = [`.state.json.${process.ppid}-0123456789ab.tmp`, '.state.json.bak', `.other.json.${dead}-0123456789ab.tmp`, 'notes.tmp'];
    for (const name of [...left, ...others]) await writeFile(path.join(dir, name), '');
    await opened(file);
    expect((await readdir(dir)).sort()).toEqual(others.sort());
  });

  it('does not hinder an open where it cannot be removed', async () => {
    const file = await newPath();
    await chmod(path.dirname(file), 0o500);
    await expect(opened(file)).resolves.toBeDefined();
  });
});
