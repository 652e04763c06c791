import { chmod, chown, lstat, mkdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EnforcerStatus } from '../../../../../contracts/enforcer.ts';
import { HOST, readJson, type StagedDesk, stageDesk, tree } from './staged-desk.ts';

let desk: StagedDesk;
beforeEach(async () => {
  desk = await stageDesk();
  await desk.install('chromium');
});
afterEach(() => desk.remove());

const close = async (hosts?: readonly string[]) => desk.verdict(await desk.hold(true, hosts), 'chromium');
const open = async () => desk.verdict(await desk.hold(false), 'chromium');
/** Another one after each rename into its place, whatever else stays the same. */
const renamedAt = async () => (await stat(desk.ownPath, { bigint: true })).ctimeNs;

describe('closed', () => {
  it('writes a file that Chromium reads, at the epoch, and nothing else', async () => {
    const status = EnforcerStatus.parse(await desk.hold(true));
    expect(status).toEqual({
      enforcer: 'browser-policy',
      wanted: 'closed',
      state: 'confirmed',
      targets: [{ target: 'chromium', state: 'confirmed', notes: [] }],
    });
    const seen = await lstat(desk.ownPath);
    expect([seen.mode & 0o777, seen.mtimeMs]).toEqual([0o644, 0]);
    expect(await readJson(desk.ownPath)).toMatchObject({ URLBlocklist: [`.${HOST}`] });
    expect((await stat(desk.managedDir)).mode & 0o777).toBe(0o755);
    expect(await tree(path.join(desk.root, 'etc'))).toEqual([
      'chromium',
      'chromium/policies',
      'chromium/policies/managed',
      'chromium/policies/managed/zz-deskwarden.json',
    ]);
  });

  it('has the file and each new directory in the ledger', async () => {
    await mkdir(desk.chromium.dirs[0]);
    await close();
    expect(desk.ledger.entries().map(({ kind, ...rest }) => [kind, 'path' in rest ? rest.path : ''])).toEqual([
      ['directory', desk.chromium.dirs[1]],
      ['directory', desk.chromium.dirs[2]],
      ['file', desk.ownPath],
    ]);
  });

  it('closes although the disk takes no ledger: whoever fills it would keep the gate open', async () => {
    await rm(desk.stateDir, { recursive: true });
    await writeFile(desk.stateDir, '');
    expect(await close()).toBe('confirmed');
    expect(await readJson(desk.ownPath)).toMatchObject({ URLBlocklist: [`.${HOST}`] });
  });

  it('leaves a file alone that is as it should be', async () => {
    await close();
    const before = await renamedAt();
    expect(await close()).toBe('confirmed');
    expect(await renamedAt()).toBe(before);
  });

  const replaceByLink = async () => {
    await rename(desk.ownPath, `${desk.root}/elsewhere`);
    await symlink(`${desk.root}/elsewhere`, desk.ownPath);
  };
  const harms: [string, () => Promise<unknown>][] = [
    ['removed', () => rm(desk.ownPath)],
    ['removed with its directories', () => rm(desk.chromium.dirs[0], { recursive: true })],
    ['emptied', () => writeFile(desk.ownPath, '{}')],
    ['truncated', async () => writeFile(desk.ownPath, (await readFile(desk.ownPath, 'utf8')).slice(0, -3))],
    ['hidden from users', () => chmod(desk.ownPath, 0o600)],
    ['touched', () => utimes(desk.ownPath, 5, 5)],
    ['replaced by a link', replaceByLink],
  ];
  it.each(harms)('puts back a file that was %s, and says so once', async (_how, harm) => {
    await close();
    const text = await readFile(desk.ownPath, 'utf8');
    await harm();
    expect(await close()).toBe('confirmed changed-by-other');
    const seen = await lstat(desk.ownPath);
    expect([seen.isFile(), seen.mode & 0o777, seen.mtimeMs, await readFile(desk.ownPath, 'utf8')]).toEqual([true, 0o644, 0, text]);
    expect(await close()).toBe('confirmed');
  });

  it('does not take a new order for somebody’s change', async () => {
    await close();
    expect(await close([HOST, 'acme.awsapps.com'])).toBe('confirmed');
    expect(await readJson(desk.ownPath)).toMatchObject({ URLBlocklist: ['.acme.awsapps.com', `.${HOST}`] });
  });

  it('never writes an empty list, and keeps what stands', async () => {
    expect(await close([])).toBe('degraded no-host');
    expect(await tree(path.join(desk.root, 'etc'))).toEqual([]);
    await close();
    expect(await close(['*'])).toBe('degraded no-host');
    expect(await readJson(desk.ownPath)).toMatchObject({ URLBlocklist: [`.${HOST}`] });
  });

  const asRoot = process.geteuid?.() === 0;
  const made = async (mode: number, uid?: number) => {
    await mkdir(desk.managedDir);
    await chmod(desk.managedDir, mode);
    if (uid !== undefined) await chown(desk.managedDir, uid, 0);
  };
  const unsound: [string, boolean, () => Promise<unknown>][] = [
    ['a symbolic link', true, () => symlink(desk.stateDir, desk.managedDir)],
    ['a file', true, () => writeFile(desk.managedDir, '')],
    ['everybody’s', true, () => made(0o777)],
    ['closed to browsers', true, () => made(0o700)],
    ['somebody else’s', asRoot, () => made(0o755, 12_345)],
  ];
  it.each(unsound.filter(([, possible]) => possible))('does not write where the directory is %s', async (_what, _possible, make) => {
    await mkdir(path.dirname(desk.managedDir), { recursive: true });
    await make();
    expect(await close()).toMatch(/^degraded .*write-failed$/);
    expect((await tree(desk.root)).filter((name) => name.includes('zz-deskwarden'))).toEqual([]);
  });

  it('finds a browser that is installed later', async () => {
    await rm(desk.chromium.programs[0] ?? '');
    expect((await desk.hold(true)).targets).toEqual([]);
    await desk.install('chromium');
    expect(await close()).toBe('confirmed');
  });
});

describe('browsers that run', () => {
  it('are not confirmed when they started before the file', async () => {
    await desk.start('chromium', desk.nowS - 3_600);
    expect(await close()).toBe('written');
  });

  it('are settling in their first minute, until a rename that is late enough', async () => {
    await desk.start('chromium', desk.nowS - 1);
    const renames: bigint[] = [];
    const said: (string | null)[] = [];
    for (const passS of [0, 3, 5, 10, 20, 25, 30]) {
      desk.nowS += passS;
      said.push(await close());
      renames.push(await renamedAt());
    }
    expect(said).toEqual([...Array(5).fill('written settling'), 'written', 'written']);
    expect(renames.map((at, n) => at !== renames[n - 1])).toEqual([true, false, true, true, true, true, false]);
  });

  it('are confirmed when they started later', async () => {
    await close();
    desk.nowS += 1;
    await desk.start('chromium');
    expect(await close()).toBe('confirmed');
  });

  it('count from when the file was put back', async () => {
    await close();
    await rm(desk.ownPath);
    desk.nowS += 100;
    await desk.start('chromium');
    desk.nowS += 5;
    expect(await close()).toBe('written changed-by-other settling');
  });

  it('count from when a conflict ended', async () => {
    await desk.putOther('a.json', { URLAllowlist: [`.${HOST}`] });
    expect(await close()).toBe('conflict foreign-allowlist');
    desk.nowS += 100;
    await desk.start('chromium');
    desk.nowS += 100;
    expect(await close()).toBe('conflict foreign-allowlist');
    await rm(path.join(desk.managedDir, 'a.json'));
    desk.nowS += 60;
    expect(await close()).toBe('written');
  });

  it('are never confirmed after a restart of the daemon that did not see them start', async () => {
    await close();
    desk.nowS += 100;
    await desk.start('chromium');
    desk.nowS += 100;
    await desk.restart();
    expect(await close()).toBe('written');
  });

  it('are told from their own processes, from other programs, and from one whose file was updated', async () => {
    await close();
    desk.nowS += 10;
    const end = await desk.start('chromium (deleted)', desk.nowS - 100);
    const main = 101;
    await desk.start('chromium', desk.nowS - 50, main);
    await desk.start('thunderbird', desk.nowS - 500);
    const status = await desk.hold(true);
    expect(status.targets[0]).toMatchObject({ state: 'written', notes: [] });
    await end();
    await rm(path.join(desk.root, 'proc/102'), { recursive: true });
    expect(await close()).toBe('confirmed');
  });

  it('are not known where nobody can look', async () => {
    await rm(path.join(desk.root, 'proc'), { recursive: true });
    expect(await close()).toBe('written unreadable');
  });
});

describe('open', () => {
  it('takes away exactly what is ours, and directories that nobody uses', async () => {
    await mkdir(desk.chromium.dirs[0]);
    await close();
    await writeFile(path.join(path.dirname(desk.managedDir), '.zz-deskwarden.json.tmp'), 'of a killed writer');
    expect(await open()).toBe('confirmed');
    expect(await tree(path.join(desk.root, 'etc'))).toEqual(['chromium']);
    expect(desk.ledger.entries()).toEqual([]);
  });

  it('keeps a directory of ours that others have come to use, and takes it away later', async () => {
    await close();
    await desk.putOther('mdm.json', { HomepageLocation: 'https://example.com' });
    await open();
    expect(await tree(desk.managedDir)).toEqual(['mdm.json']);
    await rm(path.join(desk.managedDir, 'mdm.json'));
    await open();
    expect(await tree(path.join(desk.root, 'etc'))).toEqual([]);
    expect(desk.ledger.entries()).toEqual([]);
  });

  it('knows its file by the name when the ledger is lost', async () => {
    await close();
    await rm(path.join(desk.stateDir, 'ledger.json'));
    await desk.restart();
    expect(await open()).toBe('confirmed');
    expect(await tree(desk.managedDir)).toEqual([]);
  });

  it('changes nothing where there is nothing of ours', async () => {
    await desk.putOther('mdm.json', { URLBlocklist: ['*'] });
    expect(await open()).toBe('confirmed');
    expect(await tree(path.join(desk.root, 'etc'))).toEqual([
      'chromium',
      'chromium/policies',
      'chromium/policies/managed',
      'chromium/policies/managed/mdm.json',
    ]);
  });

  it('reminds a browser that was starting when it opened, and leaves nothing behind', async () => {
    await close();
    await desk.start('chromium', desk.nowS - 2);
    const etc = path.join(desk.root, 'etc');
    const said: (string | null)[] = [];
    const touched: bigint[] = [];
    for (const passS of [0, 1, 5, 10, 15, 30, 60]) {
      desk.nowS += passS;
      said.push(await open());
      touched.push((await stat(etc, { bigint: true })).mtimeNs);
      expect(await tree(etc)).toEqual([]);
    }
    expect(said).toEqual([...Array(5).fill('written settling'), 'confirmed', 'confirmed']);
    expect(touched.map((at, n) => at !== touched[n - 1])).toEqual([true, false, true, true, true, true, false]);
  });

  it('does not remind a browser that had long been running', async () => {
    await close();
    await desk.start('chromium', desk.nowS - 61);
    expect(await open()).toBe('confirmed');
  });

  it('says when it could not', async () => {
    await mkdir(desk.ownPath, { recursive: true });
    expect(await open()).toBe('degraded write-failed');
  });
});
