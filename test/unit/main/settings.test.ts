import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { localeInUse } from '../../../main/locale-in-use.ts';
import { openSettings, Settings } from '../../../main/settings.ts';

let dir: string;
let filePath: string;
let troubles: string[];
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-settings-'));
  filePath = path.join(dir, 'settings.json');
  troubles = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const open = () => openSettings(filePath, (detail) => troubles.push(detail));
const fresh = Settings.parse({ schema: 1 });

it('remembers what was changed, and writes by renaming', async () => {
  const bounds = { x: 1, y: 2, width: 300, height: 400 };
  const settings = open();
  expect(settings.current()).toEqual(fresh);
  settings.change({ locale: 'ko' });
  const first = (await stat(filePath)).ino;
  settings.change({ windows: { posture: bounds } });
  expect((await stat(filePath)).ino).not.toBe(first);
  expect((await stat(filePath)).mode & 0o777).toBe(0o600);
  expect(await readdir(dir)).toEqual(['settings.json']);
  expect(open().current()).toEqual({ ...fresh, locale: 'ko', windows: { posture: bounds } });
  expect(troubles).toEqual([]);
});

it('what a newer version wrote beside it costs nothing', async () => {
  await writeFile(filePath, '{"schema":1,"locale":"ko","startsAtLogin":true,"theme":"dark"}');
  expect(open().current()).toEqual({ ...fresh, locale: 'ko', startsAtLogin: true });
  expect(troubles).toEqual([]);
});

it.each([
  ['is no JSON', '{'],
  ['is empty', ''],
  ['is of another schema', '{"schema":2}'],
  ['has a window as large as nothing', '{"schema":1,"windows":{"posture":{"x":0,"y":0,"width":0,"height":0}}}'],
  ['has a window nowhere', '{"schema":1,"windows":{"posture":{"x":1e999,"y":0,"width":1,"height":1}}}'],
  ['is huge', `{"schema":1,"locale":"${'x'.repeat(70_000)}"}`],
])('a file that %s is as if there was none', async (_name, text) => {
  await writeFile(filePath, text);
  const settings = open();
  expect(settings.current()).toEqual(fresh);
  expect(troubles.length).toBe(1);
  settings.change({ locale: 'en' });
  expect(JSON.parse(await readFile(filePath, 'utf8'))).toMatchObject({ schema: 1, locale: 'en' });
});

it('a disk that refuses costs the memory and nothing else', async () => {
  await mkdir(filePath);
  const settings = open();
  settings.change({ locale: 'ko' });
  expect(settings.current().locale).toBe('ko');
  expect(troubles.length).toBe(2);
});

it.each([
  ['auto', ['zh-Hant-HK', 'en'], 'zh-TW'],
  ['auto', ['de-DE', 'ko-KR', 'en-US'], 'ko'],
  ['auto', ['de-DE'], 'en'],
  ['auto', [], 'en'],
  ['zh-CN', ['ko-KR'], 'zh-CN'],
] as const)('%s where people prefer %j is %s', (choice, preferred, inUse) => {
  expect(localeInUse(choice, preferred)).toBe(inUse);
});
