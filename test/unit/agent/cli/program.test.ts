import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalog } from '../../../../checks/catalog.ts';
import { locales } from '../../../../checks/texts/locale.ts';
import { Progress } from '../../../../contracts/progress.ts';
import { CheckDocument } from '../../../../contracts/report.ts';
import { start } from './fake-place.ts';
import { blockedRun, cautionRun, clearRun, undeterminedRun } from './sample-run.ts';

const check = ['check', '--instance', 'acme', '--region', 'us-west-2'];
const ESC = '\u001b';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-program-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('check', () => {
  it.each([
    ['clear', clearRun, 0],
    ['blocked', blockedRun, 1],
    ['undetermined', undeterminedRun, 3],
    ['caution', cautionRun, 4],
  ] as const)('%s exits as documented', async (_, document, code) => {
    for (const output of [[], ['--json'], ['--ndjson'], ['--junit', '-']]) {
      expect((await start([...check, ...output], { document })).code).toBe(code);
    }
  });

  it('runs the built-in policy of what it was told', async () => {
    const { request } = await start(check);
    expect(request?.policy).toMatchObject({ id: 'built-in', instance: { alias: 'acme', region: 'us-west-2' }, network: { proxy: 'env' } });
    expect(request?.policy.rules.map((rule) => rule.check)).toEqual(catalog.map(({ id }) => id));
    expect(request?.only).toBeNull();
    expect(request?.plan.endpoints.map(({ host }) => host)).toContain('acme.my.connect.aws');
    expect((await start(['check', '--region', 'us-gov-west-1'])).request?.policy.instance).toMatchObject({ govCloud: true });
    expect((await start([...check, '--only', 'tls.handshake,network.dns'])).request?.only).toEqual(['network.dns', 'tls.handshake']);
  });

  it('refuses a Region that AWS does not document', async () => {
    const { code, err, request } = await start(['check', '--region', 'ap-south-1']);
    expect({ code, request }).toEqual({ code: 2, request: null });
    expect(err).toMatch(/^deskwarden: --region: AWS documents no endpoints of Amazon Connect for Region "ap-south-1"/);
  });

  it('prints the document alone under --json, even on a screen', async () => {
    const piped = await start([...check, '--json'], { document: blockedRun });
    expect(CheckDocument.parse(JSON.parse(piped.out))).toEqual(blockedRun);
    expect(piped.err).toBe('');
    const shown = await start([...check, '--json'], { document: blockedRun, terminal: true });
    expect(shown.out).toBe(piped.out);
    expect(/[^\P{C}\n]/u.exec(piped.out)).toBeNull();
  });

  it('prints progress line by line under --ndjson, ending with the verdict', async () => {
    const { out, err } = await start([...check, '--ndjson'], { document: blockedRun, terminal: true });
    const events = out
      .trimEnd()
      .split('\n')
      .map((line) => Progress.parse(JSON.parse(line)));
    expect(events.at(0)?.kind).toBe('started');
    expect(events.at(-1)).toEqual({ kind: 'verdict', verdict: blockedRun.verdict });
    expect(err).toBe('');
  });

  it('tells findings plainly where there is no screen, and again only when a re-probe found otherwise', async () => {
    const { err, out } = await start(check, { document: blockedRun });
    expect(err.trimEnd().split('\n')).toHaveLength(blockedRun.findings.length);
    expect(err + out).not.toContain(ESC);
    const ci = await start(check, { document: blockedRun, terminal: true, place: { live: false, color: false } });
    expect(ci.err).toBe(err);
  });

  it('leaves a screen as it found it', async () => {
    const { err, out } = await start(check, { terminal: true });
    expect(err).toBe('');
    expect(out).toContain(ESC);
    expect((await start([...check, '--no-color'], { terminal: true })).out).not.toContain(ESC);
  });

  it.each([
    ['en', 'This desk can take calls.'],
    ['zh-TW', '這台工作站可以接聽來電。'],
    ['zh-CN', '此工作站可以接听来电。'],
    ['ko', '이 업무 PC는 통화를 받을 수 있습니다.'],
  ])('speaks %s', async (lang, headline) => {
    const { out } = await start([...check, '--lang', lang]);
    expect(out.split('\n')[0]).toBe(` ✔  ${headline}`);
    expect((await start(check, { place: { language: lang } })).out).toBe(out);
  });
});

describe('--junit', () => {
  it('writes the file whole beside the table, and leaves nothing else', async () => {
    const filePath = path.join(dir, 'desk.xml');
    const { out, code } = await start([...check, '--junit', filePath], { document: blockedRun });
    expect(code).toBe(1);
    expect(out).toContain('This desk cannot take calls.');
    const { out: xml } = await start([...check, '--junit', '-'], { document: blockedRun });
    expect(await readFile(filePath, 'utf8')).toBe(xml);
    expect(await readdir(dir)).toEqual(['desk.xml']);
  });

  it('tells that the report could not be written, leaving nothing behind', async () => {
    const folderPath = path.join(dir, 'folder.xml');
    await mkdir(folderPath);
    const { code, out, err } = await start([...check, '--junit', folderPath]);
    expect(code).toBe(74);
    expect(out).toContain('This desk can take calls.');
    expect(err).toMatch(/\ndeskwarden: cannot write \S+folder\.xml: (it is a directory|EPERM|EEXIST)\n$/);
    expect(await readdir(dir)).toEqual(['desk.xml', 'folder.xml']);
  });

  it('says before the run that it cannot be written', async () => {
    const { code, err, request } = await start([...check, '--junit', path.join(dir, 'gone', 'desk.xml')]);
    expect({ code, request }).toEqual({ code: 2, request: null });
    expect(err).toBe(`deskwarden: cannot write ${path.join(dir, 'gone', 'desk.xml')}: its directory does not exist\n`);
  });
});

describe('catalogue', () => {
  it('lists every check for people and for programs', async () => {
    const { out } = await start(['check', '--list']);
    const { out: json } = await start(['check', '--list', '--json']);
    const listed = JSON.parse(json);
    for (const { id } of catalog) expect(out).toContain(`  ${id} `);
    expect(listed.map(({ id }: { id: string }) => id)).toEqual(catalog.map(({ id }) => id));
  });

  it.each(catalog.map(({ id }) => id))('explains %s in every language', async (id) => {
    for (const lang of locales) {
      const { code, out } = await start(['explain', id, '--lang', lang]);
      expect(code).toBe(0);
      for (const reason of catalog.find((one) => one.id === id)?.reasons ?? []) expect(out).toContain(`  ${reason}\n`);
    }
  });
});

describe('policy schema', () => {
  it('is JSON Schema of what people write', async () => {
    const { out, code } = await start(['policy', 'schema']);
    const schema = JSON.parse(out);
    expect(code).toBe(0);
    expect(schema).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      additionalProperties: false,
      required: ['schema', 'id', 'instance'],
    });
    expect(schema.$id).toBeUndefined();
    expect(schema.properties.rules.items).toMatchObject({
      required: ['check'],
      properties: { check: { pattern: expect.stringContaining('network|tls') } },
    });
  });
});

describe('--version and help', () => {
  it('are printed on standard output', async () => {
    expect(await start(['--version'])).toMatchObject({ code: 0, out: '1.2.3\n', err: '' });
    for (const topic of [
      [],
      ['check'],
      ['explain'],
      ['policy'],
      ['policy', 'validate'],
      ['policy', 'schema'],
      ['gate'],
      ['gate', 'status'],
      ['gate', 'release'],
      ['enrol'],
      ['bundle'],
    ]) {
      const { code, out, err } = await start([...topic, '--help']);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(/^Usage: deskwarden/);
      expect(out.split('\n').filter((line) => line.length > 90)).toEqual([]);
    }
  });

  it('wrong usage is told on standard error', async () => {
    expect(await start(['check', '--jsn'])).toMatchObject({
      code: 2,
      out: '',
      err: 'deskwarden: unknown option --jsn; did you mean --json?\nSee: deskwarden check --help\n',
    });
  });
});
