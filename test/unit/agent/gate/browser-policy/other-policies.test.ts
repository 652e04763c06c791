import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HOST, readJson, type StagedDesk, stageDesk, tree } from './staged-desk.ts';

let desk: StagedDesk;
beforeEach(async () => {
  desk = await stageDesk();
  await desk.install('chromium');
});
afterEach(() => desk.remove());

const allow = { URLAllowlist: [`.${HOST}`] };
const block = { URLBlocklist: ['example.com'] };

const close = async () => desk.verdict(await desk.hold(true), 'chromium');

describe('files of others', () => {
  type Files = Record<string, unknown>;
  const cases: [string, Files, string][] = [
    ['say nothing of ours', { 'mdm.json': { HomepageLocation: 'https://example.com' } }, 'confirmed'],
    ['allow our host, exactly', { 'a.json': allow }, 'conflict foreign-allowlist'],
    ['allow it from a later file', { 'zzz.json': allow }, 'conflict foreign-allowlist'],
    ['allow it in a file of any name', { '.a.json.tmp': allow }, 'conflict foreign-allowlist'],
    ['allow it beside what is no string', { 'a.json': { URLAllowlist: [1, `.${HOST}`] } }, 'conflict foreign-allowlist'],
    [
      'allow it after a comment, with a comma too many',
      { 'a.json': `// "x\n{"URLAllowlist": ["http://x", ".${HOST}",],} /* end` },
      'conflict foreign-allowlist',
    ],
    ['allow it after a byte order mark', { 'a.json': `\uFEFF${JSON.stringify(allow)}` }, 'conflict foreign-allowlist'],
    ['allow what yields to an exact block', { 'a.json': { URLAllowlist: ['*', HOST, `https://${HOST}/ccp-v2`] } }, 'confirmed'],
    ['allow another host', { 'a.json': { URLAllowlist: ['.other.my.connect.aws'] } }, 'confirmed'],
    ['are no JSON, which Chromium ignores', { 'zzz.json': `{"URLAllowlist": [".${HOST}"` }, 'confirmed'],
    ['have a list that is none', { 'zzz.json': { URLBlocklist: 'example.com', URLAllowlist: `.${HOST}` } }, 'confirmed'],
    ['are no object', { 'zzz.json': [allow] }, 'confirmed'],
    ['block something before ours', { 'mdm.json': block }, 'confirmed'],
    ['block something after ours', { 'zzz.json': block }, 'conflict later-file'],
    ['block after ours, merged', { 'zzz.json': { ...block, PolicyListMultipleSourceMergeList: ['URLBlocklist'] } }, 'confirmed'],
    [
      'block after ours, merged by another',
      { 'a.json': { PolicyListMultipleSourceMergeList: ['URLBlocklist'] }, 'zzz.json': block },
      'confirmed',
    ],
    [
      'have the merge undone by a later one',
      {
        'a.json': { PolicyListMultipleSourceMergeList: ['URLBlocklist'] },
        'zzz.json': { ...block, PolicyListMultipleSourceMergeList: [] },
      },
      'conflict later-file',
    ],
    ['replace the cookies after ours', { 'zzz.json': { CookiesBlockedForUrls: ['https://example.com'] } }, 'degraded later-file'],
    ['allow the cookies, which yields to ours', { 'a.json': { CookiesAllowedForUrls: [`https://${HOST}`] } }, 'confirmed'],
    ['let the cloud win', { 'a.json': { CloudPolicyOverridesPlatformPolicy: true } }, 'written foreign-policy'],
    ['are too large to look at', { 'a.json': ' '.repeat(1024 * 1024 + 1) }, 'degraded unreadable'],
  ];
  it.each(cases)('that %s', async (_what, files, expected) => {
    for (const [name, content] of Object.entries(files)) await desk.putOther(name, content);
    const before = await tree(desk.managedDir);
    expect(await close()).toBe(expected);
    expect((await tree(desk.managedDir)).filter((name) => name !== 'zz-deskwarden.json')).toEqual(before);
  });

  it('are read through a link, as Chromium does; a directory is not', async () => {
    await desk.putOther('mdm.json', {});
    await mkdir(path.join(desk.managedDir, 'dir'));
    await writeFile(path.join(desk.managedDir, 'dir', 'x.json'), JSON.stringify(allow));
    expect(await close()).toBe('confirmed');
    await symlink('dir/x.json', path.join(desk.managedDir, 'link.json'));
    expect(await close()).toBe('conflict foreign-allowlist');
  });

  it('are compared by the bytes of their names', async () => {
    await desk.putOther('zz-deskwarden.jso', block);
    await desk.putOther('Zz.json', block);
    expect(await close()).toBe('confirmed');
    await desk.putOther('é.json', block);
    expect(await close()).toBe('conflict later-file');
  });

  it('lose nothing by ours: their list goes on in it, and leaves it with them', async () => {
    await desk.putOther('a.json', { URLBlocklist: ['old.example.com'] });
    await desk.putOther('mdm.json', { URLBlocklist: ['*'], CookiesBlockedForUrls: ['[*.]example.com'] });
    await close();
    expect(await readJson(desk.ownPath)).toEqual({
      URLBlocklist: [`.${HOST}`, '*'],
      CookiesBlockedForUrls: [`https://${HOST}`, `https://${HOST}:443`, '[*.]example.com'],
    });
    await desk.putOther('mdm.json', {});
    expect(await close()).toBe('confirmed');
    expect(await readJson(desk.ownPath)).toMatchObject({ URLBlocklist: [`.${HOST}`, 'old.example.com'] });
  });

  it('do not hang it, whatever they hold', async () => {
    await desk.putOther('a.json', '/*'.repeat(500_000));
    await desk.putOther('b.json', '"\\'.repeat(300_000));
    await desk.putOther('c.json', ', '.repeat(500_000));
    const startedMs = performance.now();
    expect(await close()).toBe('confirmed');
    expect(performance.now() - startedMs).toBeLessThan(3_000);
  });
});
