import { describe, expect, it } from 'vitest';
import { bundledAllowlist } from '../../../../checks/allowlist/bundled.ts';
import { planEndpoints } from '../../../../checks/network/endpoints.ts';
import { Allowlist } from '../../../../contracts/allowlist.ts';
import { Features, Instance } from '../../../../contracts/instance.ts';
import { NetworkSettings } from '../../../../contracts/policy.ts';

type Loose = Record<string, unknown>;

function planOf({ instance = {}, features = {}, network = {} }: { instance?: Loose; features?: Loose; network?: Loose } = {}) {
  const wanted = {
    instance: Instance.parse({ alias: 'acme', region: 'us-west-2', ...instance }),
    features: Features.parse(features),
    network: NetworkSettings.parse(network),
  };
  const { endpoints, skipped } = planEndpoints(wanted, bundledAllowlist);
  return {
    hosts: endpoints.map((e) => `${e.host}:${e.port}/${e.protocol}`),
    skipped: Object.fromEntries(skipped.map((s) => [s.row, s.because])),
    endpoints,
  };
}

const documented = Object.entries(bundledAllowlist.regions).filter(([, region]) => region.status === 'documented');

describe('the bundled allowlist', () => {
  it('fits its schema', () => {
    expect(Allowlist.safeParse(bundledAllowlist).error).toBeUndefined();
  });
  it('holds the 11 documented Regions, each with a TURN host', () => {
    expect(documented.map(([id]) => id)).toEqual([
      'af-south-1',
      'ap-northeast-1',
      'ap-northeast-2',
      'ap-southeast-1',
      'ap-southeast-2',
      'ca-central-1',
      'eu-central-1',
      'eu-west-2',
      'us-east-1',
      'us-gov-west-1',
      'us-west-2',
    ]);
    expect(documented.filter(([, region]) => !region.turn.some((t) => t.standing === 'official'))).toEqual([]);
  });
  it('has unique row ids', () => {
    const ids = bundledAllowlist.rows.map((row) => row.id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('planEndpoints', () => {
  it('plans what a SAML voice and chat instance needs', () => {
    const { hosts, skipped } = planOf();
    expect(hosts).toEqual([
      'acme.my.connect.aws:443/tcp',
      'd38fzyjx9jg8fj.cloudfront.net:443/tcp',
      'd366s8lxuwna4d.cloudfront.net:443/tcp',
      'participant.connect.us-west-2.amazonaws.com:443/tcp',
      'TurnNlb-8d79b4466d82ad0e.elb.us-west-2.amazonaws.com:3478/udp',
      'TurnNlb-dbc4ebb71307fda2.elb.us-west-2.amazonaws.com:3478/udp',
      'TurnNlb-13c884fe3673ed9f.elb.us-west-2.amazonaws.com:3478/udp',
      'TurnNlb-6bb66ee54ee32710.elb.us-west-2.amazonaws.com:3478/udp',
      'TurnNlb-ecc67f8fbd7a29f6.elb.us-west-2.amazonaws.com:3478/udp',
      'us-west-2.signin.aws.amazon.com:443/tcp',
      'us-west-2.console.aws.amazon.com:443/tcp',
    ]);
    expect(skipped).toMatchObject({
      telemetry: 'no-documented-host',
      transport: 'no-documented-host',
      'ccp-v1-signalling': 'not-configured',
      signin: 'feature-absent',
    });
  });

  it('gives every row either a host or a reason', () => {
    for (const [region] of documented) {
      const { endpoints, skipped } = planOf({ instance: { region } });
      const rows = new Set([...endpoints.map((e) => e.row), ...Object.keys(skipped)]);
      expect(bundledAllowlist.rows.map((row) => row.id).filter((id) => !rows.has(id))).toEqual([]);
    }
  });

  it('never plans a wildcard, a placeholder or a host twice', () => {
    const everything = { chat: true, attachments: { bucket: 'acme-files' }, video: true, globalResiliency: true, screenRecording: true };
    for (const [region] of documented) {
      for (const identity of ['saml', 'non-saml']) {
        const { hosts } = planOf({
          instance: { region, identity },
          features: everything,
          network: { optional: bundledAllowlist.rows.map((r) => r.id) },
        });
        expect(hosts.filter((host) => /[*{}[\]]/.test(host))).toEqual([]);
        expect(new Set(hosts.map((h) => h.toLowerCase())).size).toBe(hosts.length);
      }
    }
  });

  it.each([
    [
      'a wildcard for which the policy names a host',
      { network: { hosts: { transport: ['abc.transport.connect.us-west-2.amazonaws.com'] } } },
      'abc.transport.connect.us-west-2.amazonaws.com:443/tcp',
    ],
    ['an optional row that the site needs', { network: { optional: ['instance-web-legacy'] } }, 'acme.awsapps.com:443/tcp'],
    ['the bucket of attachments', { features: { attachments: { bucket: 'acme-files' } } }, 'acme-files.s3.us-west-2.amazonaws.com:443/tcp'],
    ['the screen recording host', { features: { screenRecording: true } }, 'screenrecording.connect.aws:443/tcp'],
    [
      'the paired Region under Global Resiliency',
      { features: { globalResiliency: true } },
      'participant.connect.us-east-1.amazonaws.com:443/tcp',
    ],
    [
      "the paired Region's TURN hosts",
      { features: { globalResiliency: true } },
      'TurnNlb-d76454ac48d20c1e.elb.us-east-1.amazonaws.com:3478/udp',
    ],
    [
      'the Global Resiliency sign-in host',
      { instance: { id: '6f1f4f0a-53a2-4a4b-9a5c-0f4f0c2f8a11' }, features: { globalResiliency: true } },
      '6f1f4f0a-53a2-4a4b-9a5c-0f4f0c2f8a11.us-west-2.sign-in.connect.aws:443/tcp',
    ],
    ['static hosts without SAML', { instance: { identity: 'non-saml' } }, 'd18af777lco7lp.cloudfront.net:443/tcp'],
    ['the GovCloud domain', { instance: { region: 'us-gov-west-1', govCloud: true } }, 'acme.govcloud.connect.aws:443/tcp'],
    ['the us-east-1 sign-in host, which has no Region in its name', { instance: { region: 'us-east-1' } }, 'signin.aws.amazon.com:443/tcp'],
  ])('plans %s', (_name, wanted, host) => {
    expect(planOf(wanted).hosts).toContain(host);
  });

  it.each([
    ['the instance without an alias', { instance: { alias: undefined } }, 'instance-web', 'not-configured'],
    ['TURN for a chat-only instance', { features: { voice: false } }, 'turn', 'feature-absent'],
    ['attachments that are off', {}, 'attachments', 'feature-absent'],
    ['the Global Resiliency sign-in without an instance id', { features: { globalResiliency: true } }, 'acgr-signin', 'not-configured'],
    ['the new sign-in, of which AWS documents only wildcards', { instance: { identity: 'non-saml' } }, 'signin', 'no-documented-host'],
    ['GovCloud sign-in elsewhere', { instance: { identity: 'non-saml' } }, 'signin-gov-fips', 'feature-absent'],
    ['video, of which AWS documents only a wildcard', { features: { video: true } }, 'chime-media', 'no-documented-host'],
    ['static hosts of a Region that has none of its own', { instance: { region: 'ca-central-1' } }, 'static', 'no-documented-host'],
  ])('leaves out %s', (_name, wanted, row, because) => {
    expect(planOf(wanted).skipped[row]).toBe(because);
  });

  it('looks for the Global Resiliency sign-in in the source Region alone', () => {
    const { hosts } = planOf({ instance: { id: '6f1f4f0a-53a2-4a4b-9a5c-0f4f0c2f8a11' }, features: { globalResiliency: true } });
    expect(hosts.filter((host) => host.includes('sign-in.connect.aws'))).toEqual([
      '6f1f4f0a-53a2-4a4b-9a5c-0f4f0c2f8a11.us-west-2.sign-in.connect.aws:443/tcp',
    ]);
  });

  it('expects TURN answers only where the policy or the allowlist says so', () => {
    const answers = (network: Loose) =>
      planOf({ network }).endpoints.flatMap((e) => (e.turn ? [`${e.turn.standing} ${e.turn.answersExpected}`] : []));
    const official = (yes: boolean) => new Array<string>(3).fill(`official ${yes}`);
    const reported = ['reported false', 'reported false'];
    expect(answers({})).toEqual([...official(false), ...reported]);
    expect(answers({ turnAnswers: 'expected' })).toEqual([...official(true), ...reported]);
  });
});
