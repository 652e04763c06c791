import { describe, expect, it } from 'vitest';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { catalog } from '../../../checks/catalog.ts';
import { resolvePolicy } from '../../../checks/resolve-policy.ts';
import { Policy } from '../../../contracts/policy.ts';
import { readPolicyText, refuseProblems, writeOut } from '../../../fleet/policies/revisions.ts';

const facts = { checks: catalog, allowlist: bundledAllowlist };
const acme = { alias: 'acme', region: 'us-west-2' };
const head = 'schema: 1\nid: desk\ninstance:\n  alias: acme\n  region: us-west-2\n';

const lines = (source: string, id?: string) => {
  const read = readPolicyText(source, acme, facts, id);
  return read.ok ? 'good' : read.problems.map(({ line, column, key, message }) => `${line}:${column}: ${key}: ${message}`);
};

const bad: [string, string, string[]][] = [
  ['an unknown key', `${head}verdictTTLMs: 5\n`, ['6:1: verdictTTLMs: unknown key "verdictTTLMs"; did you mean "verdictTtlMs"?']],
  [
    'an unknown key further down',
    `${head}rules:\n  - check: network.dns\n    on: { fial: warn }\n`,
    ['8:11: rules[0].on.fial: unknown key "fial"; did you mean "fail"?'],
  ],
  ['a wrong type', `${head}revision: one\n`, ['6:11: revision: expected number, received the text "one"']],
  [
    'a wrong enforcement',
    `${head}rules:\n  - check: network.dns\n    on: { fail: blok }\n`,
    ['8:17: rules[0].on.fail: expected one of "block"|"warn"|"note"; did you mean "block"?'],
  ],
  [
    'an unknown check',
    `${head}rules:\n  - check: network.dms\n`,
    ['7:12: rules[0].check: there is no check "network.dms"; did you mean "network.dns"?'],
  ],
  ['a duplicate key', `${head}id: other\n`, ['6:1: : the key "id" stands twice']],
  ['two documents', `${head}---\n${head}`, ['6:1: : only one document is allowed in a policy']],
  ['an anchor', `${head}features: &f { voice: true }\n`, ['6:14: : anchors and aliases are not allowed in a policy']],
  ['a tag', `${head}revision: !!int "3"\n`, ['6:17: : tags are not allowed in a policy: tag:yaml.org,2002:int']],
  ['a merge key', `${head}<<: { revision: 2 }\n`, ['6:1: : merge keys are not allowed in a policy']],
  [
    'broken YAML',
    `${head}features: { voice: true\n`,
    ['7:1: : not valid YAML: flow map in block collection must be sufficiently indented and end with a }'],
  ],
  ['nothing', '', ['1:1: : the policy is empty']],
  ['deep nesting', `${head}rules: ${'['.repeat(5_000)}\n`, ['1:1: : nested too deeply for a policy']],
  ['what is missing', 'schema: 1\ninstance: {}\n', ['1:1: id: is missing', '2:1: instance.region: is missing']],
];
/** What only the fleet knows. */
const foreign: [string, string, string[]][] = [
  [
    'of another instance',
    'schema: 1\nid: desk\ninstance: { alias: beta, region: us-west-2 }\n',
    ['3:20: instance.alias: the policy is for instance "beta", this one is "acme"'],
  ],
  [
    'of another Region',
    'schema: 1\nid: desk\ninstance: { alias: acme, region: eu-central-1 }\n',
    ['3:34: instance.region: the policy is for Region eu-central-1, this instance is in us-west-2'],
  ],
  [
    'of no instance',
    'schema: 1\nid: desk\ninstance: { region: us-west-2 }\n',
    ['3:1: instance.alias: is missing: a policy of this instance says "alias: acme"'],
  ],
  ['of another name', head.replace('desk', 'other'), ['2:5: id: the policy calls itself "other", and is sent as "desk"']],
];

describe('the text of a policy', () => {
  it.each(bad)('is refused for %s, with its place', (_, source, problems) => {
    expect(lines(source)).toEqual(problems);
  });
  it.each(foreign)('is refused %s', (_, source, problems) => {
    expect(lines(source, 'desk')).toEqual(problems);
  });

  it('comes back, with every rule written out, as the same policy', () => {
    const read = readPolicyText(`${head}rules:\n  - check: network.dns\n    on: { fail: block }\n    everyMs: 60000\n`, acme, facts);
    if (!read.ok) throw new Error('refused');
    const resolved = resolvePolicy(read.file, catalog);
    const again = readPolicyText(writeOut(resolved), acme, facts);
    expect(again.ok && Policy.parse(resolvePolicy(again.file, []))).toEqual(resolved);
  });

  it('is refused in a few lines', () => {
    const source = `${head}${Array.from({ length: 9 }, (_, at) => `key${at}: 1\n`).join('')}`;
    const read = readPolicyText(source, acme, facts);
    expect(read.ok ? null : refuseProblems(read.problems)).toMatchObject({
      code: 'bad-request',
      message:
        '6:1: key0: unknown key "key0"\n7:1: key1: unknown key "key1"\n8:1: key2: unknown key "key2"\n9:1: key3: unknown key "key3"\nand 5 more: see policies/validate',
      place: { path: 'body.source' },
    });
  });
});
