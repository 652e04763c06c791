import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createSaveBundle, programPaths, runProgram } from '../../../../main/desk/save-bundle.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-save-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const wallMs = () => Date.parse('2026-11-22T08:09:10.123Z');
const saver = (program: string, shown: string[] = []) =>
  createSaveBundle(program, dir, {
    run: (name, args) => runProgram(name, args, { PATH: '/usr/bin:/bin' }),
    wallMs,
    show: (one) => shown.push(one),
  });

const hasShell = process.platform !== 'win32';
const script = async (text: string) => {
  const program = path.join(dir, 'program with $(touch "oops")');
  await writeFile(program, `#!/bin/sh\n${text}\n`);
  await chmod(program, 0o755);
  return program;
};

it('names programs by absolute path', () => {
  for (const [platform, program] of Object.entries(programPaths)) {
    expect((platform === 'win32' ? path.win32 : path.posix).isAbsolute(program)).toBe(true);
  }
});

it.skipIf(!hasShell)('asks the command line for a file of a new name, without a shell [a script of sh stands in]', async () => {
  const shown: string[] = [];
  const save = saver(await script('echo "$@" > "$3"; env > "$3.env"'), shown);
  const filePath = path.join(dir, 'deskwarden-20261122-080910.json');
  expect(await save()).toEqual({ ok: true, value: { path: filePath } });
  expect(await readFile(filePath, 'utf8')).toBe(`bundle --out ${filePath}\n`);
  expect(shown).toEqual([filePath]);
  const names = (await readFile(`${filePath}.env`, 'utf8')).split('\n').map((line) => line.split('=')[0]);
  expect(names.filter((name) => name !== '' && !['PATH', 'PWD', 'SHLVL', '_', 'OLDPWD'].includes(name ?? ''))).toEqual([]);
});

it('says where there is no command line', async () => {
  expect(await saver('/nonexistent/deskwarden')()).toEqual({
    ok: false,
    error: { code: 'no-daemon', detail: 'not installed: no /nonexistent/deskwarden' },
  });
});

it.skipIf(!hasShell)('hands on the last line of what went wrong, and shows nothing [a script of sh stands in]', async () => {
  const shown: string[] = [];
  const save = saver(await script('echo first >&2; echo "deskwarden: no space" >&2; exit 74'), shown);
  expect(await save()).toEqual({ ok: false, error: { code: 'internal', detail: 'deskwarden: no space' } });
  expect(shown).toEqual([]);
});

it('writes one at a time', async () => {
  let finish: () => void = () => {};
  const run = () =>
    new Promise<void>((resolve) => {
      finish = resolve;
    });
  const save = createSaveBundle('/usr/bin/deskwarden', dir, { run, wallMs, show: () => {} });
  const first = save();
  expect(await save()).toMatchObject({ ok: false, error: { code: 'busy' } });
  finish();
  expect(await first).toMatchObject({ ok: true });
  const again = save();
  finish();
  expect(await again).toMatchObject({ ok: true });
});
