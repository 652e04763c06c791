import { describe, expect, it } from 'vitest';
import { allowsHost, MOST_LIST_ITEMS, policyFor } from '../../../../../agent/gate/browser-policy/policy-for.ts';

const HOST = 'acme.my.connect.aws';

describe('policyFor', () => {
  it('blocks exactly the hosts, and their cookies over every allowing entry', () => {
    expect(policyFor([HOST, 'acme.awsapps.com'])).toEqual({
      URLBlocklist: ['.acme.awsapps.com', '.acme.my.connect.aws'],
      CookiesBlockedForUrls: [
        'https://acme.awsapps.com',
        'https://acme.awsapps.com:443',
        'https://acme.my.connect.aws',
        'https://acme.my.connect.aws:443',
      ],
    });
  });

  it('is the same text for the same hosts, however they are spelt and ordered', () => {
    expect(policyFor(['B.example.com.', 'a.example.com', 'b.example.com'])).toEqual(policyFor(['a.example.com', 'b.example.com']));
  });

  const unusable = [
    '',
    '*',
    '*.my.connect.aws',
    'https://acme.my.connect.aws',
    `wss://${HOST}`,
    `${HOST}:443`,
    `${HOST}/ccp-v2`,
    'aws',
    '10.0.0.1',
  ];
  it.each(unusable)('makes no pattern of %j, which Chromium would not match', (host) => {
    expect(policyFor([host])).toBeNull();
    expect(policyFor([host, HOST])).toEqual(policyFor([HOST]));
  });

  it('has no empty list to write when there is no host', () => {
    expect(policyFor([], { URLBlocklist: ['example.com'] })).toBeNull();
  });

  it('carries the lists that it replaces, after its own, and within what Chromium reads', () => {
    const many = Array.from({ length: MOST_LIST_ITEMS + 5 }, (_, n) => `site-${n}.example.com`);
    const policy = policyFor([HOST], { URLBlocklist: ['*', ...many], CookiesBlockedForUrls: ['https://x.example.com'] });
    expect(policy?.URLBlocklist.slice(0, 2)).toEqual([`.${HOST}`, '*']);
    expect(policy?.URLBlocklist).toHaveLength(MOST_LIST_ITEMS);
    expect(policy?.CookiesBlockedForUrls.at(-1)).toBe('https://x.example.com');
  });
});

/** Each as real Chromium has it: see test/e2e/browser-policy.test.ts. */
describe('allowsHost', () => {
  const opens = [
    '.H',
    ' .H',
    '.H.',
    '.H/ccp-v2',
    'https://.H',
    'HTTPS://.ACME.MY.CONNECT.AWS',
    'https://.H:443/ccp-v2',
    'user@.H',
    '*://.H',
    '.H?x=1',
  ];
  it.each(opens)('%s opens it', (entry) => {
    expect(allowsHost(entry.replace('H', HOST), HOST)).toBe(true);
  });

  const loses = [
    '*',
    '.*',
    'https://*',
    '*:443',
    'H',
    'H.',
    'connect.aws',
    '.connect.aws',
    'https://H/',
    'H/ccp-v2',
    'H/ccp-v2?x=1',
    '.sub.H',
    '.other.my.connect.aws',
    '',
  ];
  it.each(loses)('%j does not', (entry) => {
    expect(allowsHost(entry.replace('H', HOST), HOST)).toBe(false);
  });
});
