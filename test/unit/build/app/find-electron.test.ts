import path from 'node:path';
import { expect, it } from 'vitest';
import { findElectron } from '../../../../build/app/find-electron.ts';

const installed = path.join('/clone', 'node_modules', 'electron', 'dist', 'electron');

it.each<[string, string | undefined, string[], string | null]>([
  ['what npm installed', undefined, [installed], installed],
  ['what npm installed, where nothing is named', '', [installed], installed],
  ['what is named, before what npm installed', '/named', ['/named/electron', installed], '/named/electron'],
  ['nothing where there is none', undefined, [], null],
  ['nothing else than what is named', '/named', [installed], null],
])('takes %s', (_name, override, there, program) => {
  const found = findElectron('/clone', 'linux', override, (filePath) => there.includes(filePath));
  expect(found.ok ? found.program : null).toBe(program);
  if (!found.ok) expect(found.lines.join('\n')).toContain(override === '/named' ? '/named/electron' : 'install-electron');
});

it('knows where the program is on each system', () => {
  const programs = (['linux', 'win32', 'darwin'] as const).map((platform) => findElectron('/clone', platform, '/e', () => true));
  expect(programs.map((found) => found.ok && found.program)).toEqual([
    path.join('/e', 'electron'),
    path.join('/e', 'electron.exe'),
    path.join('/e', 'Electron.app/Contents/MacOS/Electron'),
  ]);
  expect(findElectron('/clone', 'aix', '/e', () => true)).toMatchObject({ ok: false });
});
