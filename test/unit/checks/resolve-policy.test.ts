import { expect, test } from 'vitest';
import { z } from 'zod';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { policyProblems, resolvePolicy } from '../../../checks/resolve-policy.ts';
import type { Rule } from '../../../contracts/policy.ts';
import { Policy, PolicyFile } from '../../../contracts/policy.ts';
import { fakeCheck, fakeSessionCheck } from '../../fakes/fake-check.ts';
import { fakeRule } from '../../fakes/fake-policy.ts';

const checks = [
  fakeCheck('network.name-resolution', { params: z.strictObject({ maxMs: z.int().default(100), names: z.array(z.string()).default([]) }) }),
  fakeCheck('tls.interception', { params: z.object({ roots: z.string().default('') }) }),
  fakeSessionCheck('device.headset'),
];

function file(overrides: Record<string, unknown> = {}): PolicyFile {
  return PolicyFile.parse({ schema: 1, id: 'site', instance: { alias: 'acme', region: 'us-west-2' }, ...overrides });
}

/** What `fakeCheck` recommends. */
const recommended = (check: string, overrides: Partial<Rule> = {}) => fakeRule(check, { settleMs: 30_000, ...overrides });
const builtIn = [recommended('network.name-resolution'), recommended('tls.interception'), fakeRule('device.headset')];

test.each<[string, Record<string, unknown>, Rule[]]>([
  ['built-in: one rule for each check', {}, builtIn],
  ['none: only what is listed', { base: 'none' }, []],
  [
    'none: a listed rule has what its check recommends',
    { base: 'none', rules: [{ check: 'tls.interception' }] },
    [recommended('tls.interception')],
  ],
  [
    'a patch changes what it names, key by key',
    {
      rules: [
        {
          check: 'network.name-resolution',
          everyMs: 5_000,
          critical: true,
          vantage: 'endpoint',
          params: { maxMs: 5 },
          on: { degraded: 'note' },
        },
      ],
    },
    [
      recommended('network.name-resolution', {
        everyMs: 5_000,
        critical: true,
        vantage: 'endpoint',
        params: { maxMs: 5 },
        on: { fail: 'block', degraded: 'note', unknown: 'warn' },
      }),
      ...builtIn.slice(1),
    ],
  ],
  [
    'a second rule of one check stands at the end',
    { rules: [{ check: 'tls.interception', id: 'proxy-roots', recoverRuns: 5, params: { roots: 'x' } }] },
    [...builtIn, { ...recommended('tls.interception', { recoverRuns: 5, params: { roots: 'x' } }), id: 'proxy-roots' as Rule['id'] }],
  ],
  [
    'two patches of one rule merge',
    {
      base: 'none',
      rules: [
        { check: 'network.name-resolution', graceMs: 7, params: { maxMs: 5 } },
        { check: 'network.name-resolution', params: { names: ['a'] } },
      ],
    },
    [recommended('network.name-resolution', { graceMs: 7, params: { maxMs: 5, names: ['a'] } })],
  ],
  [
    'a patch that takes the id of another check starts from its own check',
    {
      base: 'none',
      rules: [
        { check: 'tls.interception', id: 'x', everyMs: 9_000 },
        { check: 'device.headset', id: 'x' },
      ],
    },
    [{ ...fakeRule('device.headset'), id: 'x' as Rule['id'] }],
  ],
  [
    'a check this version lacks is only noted',
    { base: 'none', rules: [{ check: 'device.hologram', on: { fail: 'block' } }] },
    [fakeRule('device.hologram', { everyMs: 3_600_000, on: { fail: 'block', degraded: 'note', unknown: 'note' } })],
  ],
])('%s', (_name, overrides, rules) => {
  const { base: _base, ...shared } = file(overrides);
  const policy = resolvePolicy(file(overrides), checks);
  expect(policy).toEqual({ ...shared, rules });
  expect(Policy.parse(policy)).toEqual(policy);
});

const DOCUMENTED =
  'af-south-1, ap-northeast-1, ap-northeast-2, ap-southeast-1, ap-southeast-2, ca-central-1, eu-central-1, eu-west-2, us-east-1, us-gov-west-1, us-west-2';

test.each<[string, Record<string, unknown>, [string, string][]]>([
  [
    'nothing wrong',
    { features: { globalResiliency: true }, network: { optional: ['diagnostics'] }, rules: [{ check: 'device.headset' }] },
    [],
  ],
  [
    'an unknown check',
    { rules: [{ check: 'network.name-resolutoin' }] },
    [['rules.0.check', 'there is no check "network.name-resolutoin"; did you mean "network.name-resolution"?']],
  ],
  [
    'a rule listed twice',
    { rules: [{ check: 'tls.interception' }, { check: 'tls.interception', everyMs: 5_000 }] },
    [['rules.1.check', 'another rule has the id "tls.interception" already: give this one an id of its own']],
  ],
  [
    'an id written twice',
    {
      rules: [
        { check: 'tls.interception', id: 'x' },
        { check: 'device.headset', id: 'x' },
      ],
    },
    [['rules.1.id', 'another rule has the id "x" already: give this one an id of its own']],
  ],
  [
    'a cadence that its check may not keep',
    { rules: [{ check: 'network.paced', everyMs: 899_999 }] },
    [['rules.0.everyMs', 'everyMs of network.paced must be at least 900000: its probe loads servers that are not yours']],
  ],
  ['the slowest cadence it may', { rules: [{ check: 'network.paced', everyMs: 900_000 }] }, []],
  [
    'the id of another check',
    { rules: [{ check: 'device.headset', id: 'tls.interception' }] },
    [['rules.0.id', 'the id "tls.interception" belongs to the rule of check tls.interception: give this one another']],
  ],
  [
    'parameters that the check refuses',
    { rules: [{ check: 'network.name-resolution', params: { maxMs: 'soon', names: ['a', 1], tries: 3 } }] },
    [
      [
        'rules.0.params.maxMs',
        'params.maxMs of network.name-resolution: Invalid input: expected number, received string; see "deskwarden explain network.name-resolution"',
      ],
      [
        'rules.0.params.names.1',
        'params.names.1 of network.name-resolution: Invalid input: expected string, received number; see "deskwarden explain network.name-resolution"',
      ],
      [
        'rules.0.params.tries',
        'params.tries of network.name-resolution: unknown key "tries"; see "deskwarden explain network.name-resolution"',
      ],
    ],
  ],
  [
    'a parameter that a lenient schema would drop',
    { rules: [{ check: 'tls.interception', params: { root: 'x' } }] },
    [['rules.0.params.root', 'params.root of tls.interception: unknown key "root"; see "deskwarden explain tls.interception"']],
  ],
  [
    'a Region the allowlist lacks',
    { instance: { region: 'eu-north-1' } },
    [['instance.region', `AWS documents no endpoints of Amazon Connect for Region "eu-north-1": use one of ${DOCUMENTED}`]],
  ],
  [
    'an unconfirmed Region',
    { instance: { region: 'ap-south-1' } },
    [['instance.region', `AWS documents no endpoints of Amazon Connect for Region "ap-south-1": use one of ${DOCUMENTED}`]],
  ],
  [
    'a replica',
    { instance: { region: 'ap-northeast-3' } },
    [
      [
        'instance.region',
        'Region ap-northeast-3 serves as a replica only: name the source Region and set features.globalResiliency (its source Region is ap-northeast-1)',
      ],
    ],
  ],
  [
    'govCloud for a commercial Region',
    { instance: { region: 'us-west-2', govCloud: true } },
    [['instance.govCloud', 'govCloud must be false for Region us-west-2, which is not in AWS GovCloud (US)']],
  ],
  [
    'a GovCloud Region without the flag',
    { instance: { region: 'us-gov-west-1' } },
    [['instance.govCloud', 'govCloud must be true for Region us-gov-west-1, which is in AWS GovCloud (US)']],
  ],
  [
    'Global Resiliency without a pair',
    { instance: { region: 'ca-central-1' }, features: { globalResiliency: true } },
    [
      [
        'features.globalResiliency',
        'globalResiliency must be false for Region ca-central-1, which has no paired Region; pairs are us-east-1 and us-west-2, eu-central-1 and eu-west-2, ap-northeast-1 and ap-northeast-3',
      ],
    ],
  ],
  [
    'rows the allowlist lacks',
    { network: { hosts: { telemetri: ['a.example.com'] }, optional: ['diagnostics', 'ip-range'] } },
    [
      ['network.hosts.telemetri', 'the allowlist has no row "telemetri"; did you mean "telemetry"?'],
      ['network.optional.1', 'the allowlist has no row "ip-range"; did you mean "ip-ranges"?'],
    ],
  ],
])('problems: %s', (_name, overrides, expected) => {
  const paced = fakeCheck('network.paced', { minIntervalMs: 900_000 });
  const problems = policyProblems(file(overrides), [...checks, paced], bundledAllowlist);
  expect(problems.map(({ path, message }) => [path.join('.'), message])).toEqual(expected);
});
