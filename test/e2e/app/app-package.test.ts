import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repoRoot } from '../../../build/repo.ts';
import packageFile from '../../../package.json' with { type: 'json' };
import { FUSE_SENTINEL, makeStandInDist, readAsarPaths } from './stand-in-dist.ts';

const appDir = path.join(repoRoot, 'dist', 'app');
const builder = path.join(repoRoot, 'node_modules', 'electron-builder', 'cli.js');

/** In the order of Electron's fuses; `r` is one that this version of Electron has and nobody set. */
const expectedFuses = [
  ['RunAsNode', '0'],
  ['EnableCookieEncryption', '1'],
  ['EnableNodeOptionsEnvironmentVariable', '0'],
  ['EnableNodeCliInspectArguments', '0'],
  ['EnableEmbeddedAsarIntegrityValidation', '1'],
  ['OnlyLoadAppFromAsar', '1'],
  ['LoadBrowserProcessSpecificV8Snapshot', '1'],
  ['GrantFileProtocolExtraPrivileges', '0'],
] as const;

const why = process.platform === 'linux' ? null : 'the stand-in for Electron is a program of Linux';

describe.skipIf(why !== null)(`the packaged tray app${why ? `: ${why}` : ''}`, () => {
  let dir: string;
  let unpacked: string;

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-app-'));
    unpacked = path.join(dir, 'out', 'linux-unpacked');
    await makeStandInDist(path.join(dir, 'electron'), packageFile.devDependencies.electron);
    const config = [`electronDist=${path.join(dir, 'electron')}`, `directories.output=${path.join(dir, 'out')}`];
    const args = [builder, '--dir', '--linux', '--x64', ...config.map((entry) => `-c.${entry}`)];
    // It checks electron-builder.yml by its schema before it does anything.
    await promisify(execFile)(process.execPath, args, { cwd: repoRoot });
  }, 120_000);
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('holds the bundles, and nothing beside them', async () => {
    const packed = readAsarPaths(await readFile(path.join(unpacked, 'resources', 'app.asar')));
    const entries = await readdir(appDir, { recursive: true, withFileTypes: true });
    const bundled = entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(appDir, path.join(entry.parentPath, entry.name)));
    expect(packed).toEqual(bundled.sort());
    expect(
      packed.filter((name) => !/^(main\.cjs|preload\.cjs|package\.json|icons\/[\w@.-]+\.png|ui\/.+\.(html|js|css))$/.test(name)),
    ).toEqual([]);
    expect(await readdir(path.join(unpacked, 'resources'))).toEqual(['app.asar']);
    expect(JSON.parse(await readFile(path.join(appDir, 'package.json'), 'utf8'))).not.toHaveProperty('dependencies');
  });

  it('has every fuse set', async () => {
    const program = await readFile(path.join(unpacked, 'deskwarden-app'));
    const at = program.indexOf(FUSE_SENTINEL) + FUSE_SENTINEL.length + 2;
    const set = [...program.subarray(at, at + expectedFuses.length).toString('latin1')];
    expect(expectedFuses.map(([name], index) => [name, set[index]])).toEqual(expectedFuses);
  });

  it('brings no other language of Chromium', async () => {
    expect((await readdir(path.join(unpacked, 'locales'))).sort()).toEqual(['en-US.pak', 'ko.pak', 'zh-CN.pak', 'zh-TW.pak']);
  });
});

describe('the bundles of the main process', async () => {
  const { inputs } = JSON.parse(await readFile(path.join(repoRoot, 'dist', 'app.meta.json'), 'utf8')) as {
    inputs: Record<string, unknown>;
  };

  it('are made of main, contracts, texts and zod', () => {
    const strange = Object.keys(inputs).filter((name) => !/^(main|contracts|checks\/texts|node_modules\/zod)\//.test(name));
    expect(strange).toEqual([]);
  });
});
