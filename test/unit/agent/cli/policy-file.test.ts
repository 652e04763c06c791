import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from './fake-place.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-policy-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Validates a file of this content; lines of the answer come without the directory. */
async function validate(content: string | Buffer, name = 'desk.yaml') {
  const filePath = path.join(dir, name);
  await writeFile(filePath, content);
  return validatePath(filePath);
}

async function validatePath(filePath: string) {
  const { code, out, err } = await start(['policy', 'validate', filePath]);
  return { code, out, lines: err.replaceAll(`${dir}/`, '').trimEnd().split('\n') };
}

const head = 'schema: 1\nid: desk\ninstance:\n  alias: acme\n  region: us-west-2\n';

describe('policy validate', () => {
  it.each([
    ['YAML', head, 'desk.yaml'],
    ['YAML with a byte order mark and CRLF', `\ufeff${head.replaceAll('\n', '\r\n')}`, 'desk.yaml'],
    [
      'JSON indented by tabs',
      JSON.stringify({ schema: 1, id: 'desk', instance: { alias: 'acme', region: 'us-west-2' } }, null, '\t'),
      'desk.json',
    ],
  ])('accepts %s', async (_, content, name) => {
    const { code, out } = await validate(content, name);
    expect(code).toBe(0);
    expect(out).toMatch(/^OK: policy desk, revision 1: \d+ rules, \d+ endpoints of acme in us-west-2\n$/);
  });

  it.each<[string, string, string[]]>([
    [
      'an unknown key',
      `${head}shedule: []\nverdictTTLMs: 5\n`,
      [
        'desk.yaml:6:1: shedule: unknown key "shedule"',
        'desk.yaml:7:1: verdictTTLMs: unknown key "verdictTTLMs"; did you mean "verdictTtlMs"?',
      ],
    ],
    [
      'an unknown key further down',
      `${head}rules:\n  - check: network.dns\n    on: { fial: warn }\n`,
      ['desk.yaml:8:11: rules[0].on.fial: unknown key "fial"; did you mean "fail"?'],
    ],
    [
      'an unknown feature',
      `${head}features:\n  voise: true\n`,
      ['desk.yaml:7:3: features.voise: unknown key "voise"; did you mean "voice"?'],
    ],
    ['a merge by key only', `${head}<<: { revision: 2 }\n`, ['desk.yaml:6:1: merge keys are not allowed in a policy']],
    [
      'wrong types',
      'schema: 2\nid: desk\ninstance: acme\nrevision: one\n',
      [
        'desk.yaml:1:9: schema: expected 1',
        'desk.yaml:3:11: instance: expected object, received the text "acme"',
        'desk.yaml:4:11: revision: expected number, received the text "one"',
      ],
    ],
    [
      'a feature that YAML 1.2 takes for a text',
      `${head}features: { voice: yes }\n`,
      ['desk.yaml:6:20: features.voice: expected boolean, received the text "yes"'],
    ],
    [
      'an enforcement written wrongly',
      `${head}rules:\n  - check: network.dns\n    on: { fail: blok }\n`,
      ['desk.yaml:8:17: rules[0].on.fail: expected one of "block"|"warn"|"note"; did you mean "block"?'],
    ],
    ['what is missing', 'schema: 1\ninstance: {}\n', ['desk.yaml:1:1: id: is missing', 'desk.yaml:2:1: instance.region: is missing']],
    [
      'a Region written wrongly',
      'schema: 1\nid: desk\ninstance: { region: US West 2 }\n',
      ['desk.yaml:3:21: instance.region: expected an AWS Region id such as us-west-2'],
    ],
    [
      'a Region that AWS does not document',
      'schema: 1\nid: desk\ninstance: { region: mars-north-1 }\n',
      ['desk.yaml:3:21: instance.region: expected an AWS Region id such as us-west-2'],
    ],
    [
      'a cadence that is too short',
      `${head}rules:\n  - check: network.dns\n    everyMs: 10\n`,
      ['desk.yaml:8:14: rules[0].everyMs: Too small: expected number to be >=1000'],
    ],
    [
      'an unknown check',
      `${head}rules:\n  - check: network.dms\n`,
      ['desk.yaml:7:12: rules[0].check: there is no check "network.dms"; did you mean "network.dns"?'],
    ],
    [
      'something that is no check id',
      `${head}rules:\n  - check: DNS\n`,
      ['desk.yaml:7:12: rules[0].check: expected <domain>.<kebab-case-name>'],
    ],
    [
      'duplicate rule ids',
      `${head}rules:\n  - check: network.dns\n  - check: network.dns\n`,
      ['desk.yaml:8:12: rules[1].check: another rule has the id "network.dns" already: give this one an id of its own'],
    ],
    [
      'a wrong parameter',
      `${head}rules:\n  - check: tls.handshake\n    params: { minDaysLeft: -1 }\n`,
      [
        'desk.yaml:8:28: rules[0].params.minDaysLeft: params.minDaysLeft of tls.handshake: Too small: expected number to be >=0; see "deskwarden explain tls.handshake"',
      ],
    ],
    [
      'an unknown parameter',
      `${head}rules:\n  - check: tls.handshake\n    params:\n      days: 3\n`,
      ['desk.yaml:9:7: rules[0].params.days: params.days of tls.handshake: unknown key "days"; see "deskwarden explain tls.handshake"'],
    ],
    ['a duplicate key', `${head}id: other\n`, ['desk.yaml:6:1: the key "id" stands twice']],
    ['two documents', `${head}---\n${head}`, ['desk.yaml:6:1: only one document is allowed in a policy']],
    ['an anchor', `${head}features: &f { voice: true }\n`, ['desk.yaml:6:14: anchors and aliases are not allowed in a policy']],
    ['an alias to nowhere', `${head}features: *f\n`, ['desk.yaml:6:11: anchors and aliases are not allowed in a policy']],
    [
      'a merge key',
      `base: &b { schema: 1 }\n<<: *b\n`,
      ['desk.yaml:1:10: anchors and aliases are not allowed in a policy', 'desk.yaml:2:1: merge keys are not allowed in a policy'],
    ],
    ['a tag', `${head}revision: !!int "3"\n`, ['desk.yaml:6:17: tags are not allowed in a policy: tag:yaml.org,2002:int']],
    ['a tag of its own', `${head}features: !js/function "x"\n`, ['desk.yaml:6:24: tags are not allowed in a policy: !js/function']],
    ['a directive', `%YAML 1.1\n---\n${head}`, ['desk.yaml:1:1: directives are not allowed in a policy']],
    ['a key that is no text', `${head}? [a]\n: b\n`, ['desk.yaml:6:3: not valid YAML: with stringKeys, all keys must be strings']],
    [
      'broken YAML',
      `${head}features: { voice: true\n`,
      ['desk.yaml:7:1: not valid YAML: flow map in block collection must be sufficiently indented and end with a }'],
    ],
    [
      'JSON with a hole',
      '{ "schema": 1, "id": }',
      ['desk.yaml:1:1: instance: is missing', 'desk.yaml:1:16: id: expected string, received null'],
    ],
    ['text that is no mapping', 'hello\n', ['desk.yaml:1:1: expected object, received the text "hello"']],
    ['a list', '- schema: 1\n', ['desk.yaml:1:1: expected object, received array']],
    ['an empty file', '', ['desk.yaml:1:1: the policy is empty']],
    ['only a comment', '# later\n', ['desk.yaml:1:1: the policy is empty']],
    ['nesting without end', '['.repeat(100_000), ['desk.yaml:1:1: nested too deeply for a policy']],
    ['a key of the prototype', `${head}__proto__: { admin: true }\n`, ['desk.yaml:6:1: __proto__: unknown key "__proto__"']],
    ['an escape sequence in a key', `${head}"\\e[31mred": 1\n`, ['desk.yaml:6:1: red: unknown key "red"']],
  ])('refuses %s', async (_, content, lines) => {
    expect(await validate(content)).toEqual({ code: 2, out: '', lines });
  });

  it.each(['https://acme.my.connect.aws', 'acme.my.connect.aws', 'acme.', 'bücher', 'Acme', 'xn--bcher-kva.my'])(
    'refuses the alias %s',
    async (alias) => {
      const { code, lines } = await validate(head.replace('acme', JSON.stringify(alias)));
      const message =
        'expected the instance alias alone, in lower-case ASCII letters, digits and hyphens: for https://acme.my.connect.aws it is "acme"';
      expect({ code, lines }).toEqual({ code: 2, lines: [`desk.yaml:4:10: instance.alias: ${message}`] });
    },
  );

  it('refuses aliases that would expand to gigabytes, at once', async () => {
    const level = (n: number) =>
      `l${n}: &l${n} [${Array(9)
        .fill(n === 0 ? 'lol' : `*l${n - 1}`)
        .join(',')}]`;
    const bomb = Array.from({ length: 12 }, (_, n) => level(n)).join('\n');
    const startedAt = performance.now();
    expect((await validate(bomb)).lines).toEqual(['desk.yaml:1:9: anchors and aliases are not allowed in a policy']);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('refuses what is no UTF-8 text', async () => {
    const utf16 = Buffer.from(`\ufeff${head}`, 'utf16le');
    expect((await validate(utf16)).lines).toEqual(['desk.yaml:1:1: is UTF-16 text: save it as UTF-8']);
    expect((await validate(utf16.subarray(2))).lines).toEqual(['desk.yaml:1:1: is UTF-16 text: save it as UTF-8']);
    expect((await validate(Buffer.from(utf16).swap16())).lines).toEqual(['desk.yaml:1:1: is UTF-16 text: save it as UTF-8']);
    expect((await validate(Buffer.from(`${head}\0`))).lines).toEqual(['desk.yaml:1:1: is not a text file']);
    expect((await validate(Buffer.from([...Buffer.from(head), 0xe9, 0x0a]))).lines).toEqual(['desk.yaml:1:1: is not UTF-8 text']);
  });

  it('refuses 10 MB, a directory and a missing file', async () => {
    const bigPath = path.join(dir, 'big.yaml');
    await writeFile(bigPath, head);
    await truncate(bigPath, 10_000_000);
    await mkdir(path.join(dir, 'folder'), { recursive: true });
    expect(await validatePath(bigPath)).toEqual({
      code: 2,
      out: '',
      lines: ['big.yaml:1:1: is too big for a policy (9766 KiB): at most 1024 KiB'],
    });
    expect(await validatePath(path.join(dir, 'folder'))).toEqual({
      code: 2,
      out: '',
      lines: ['folder:1:1: is a directory, not a policy file'],
    });
    expect(await validatePath(path.join(dir, 'gone.yaml'))).toEqual({ code: 2, out: '', lines: ['gone.yaml:1:1: no such file'] });
  });

  it.skipIf(process.platform === 'win32')('stops reading a device that never ends [needs /dev/zero]', async () => {
    expect((await validatePath('/dev/zero')).lines).toEqual(['/dev/zero:1:1: is too big for a policy: at most 1024 KiB']);
  });

  it('stands in the way of a run in the same words', async () => {
    const filePath = path.join(dir, 'bad.yaml');
    await writeFile(filePath, `${head}shedule: []\n`);
    const { code, out, err, request } = await start(['check', '--policy', filePath, '--json']);
    expect({ code, out, err, request }).toEqual({
      code: 2,
      out: '',
      err: `${filePath}:6:1: shedule: unknown key "shedule"\n`,
      request: null,
    });
  });
});
