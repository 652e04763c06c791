import { describe, expect, it } from 'vitest';
import { formatInterval, parseInterval, toIntervals } from '../../../../../agent/gate/egress/intervals.ts';

describe('intervals', () => {
  const shown = (type: 'uid' | 'ipv4_addr' | 'ipv6_addr', texts: string[]) =>
    toIntervals(type, texts).map((one) => formatInterval(type, one));

  it.each([
    ['of the family only', 'ipv4_addr', ['15.193.7.1', '2600:f0f2::1'], ['15.193.7.1']],
    [
      'nested and adjacent prefixes as one',
      'ipv4_addr',
      ['15.193.0.0/24', '15.193.0.0/19', '15.193.32.0/24'],
      ['15.193.0.0-15.193.32.255'],
    ],
    ['bits beyond the prefix are nothing', 'ipv4_addr', ['15.193.7.99/24'], ['15.193.7.0-15.193.7.255']],
    ['all there is', 'ipv4_addr', ['0.0.0.0/0'], ['0.0.0.0-255.255.255.255']],
    ['ranges as nft tells them', 'ipv4_addr', ['3.228.4.0-3.228.5.9'], ['3.228.4.0-3.228.5.9']],
    ['every writing of an IPv6 address', 'ipv6_addr', ['2600:F0F2::', '2600:f0f2:0:0::1'], ['2600:f0f2:0:0:0:0:0:0-2600:f0f2:0:0:0:0:0:1']],
    ['an IPv6 prefix', 'ipv6_addr', ['2600:f0f2:7100::/40'], ['2600:f0f2:7100:0:0:0:0:0-2600:f0f2:71ff:ffff:ffff:ffff:ffff:ffff']],
    ['users', 'uid', ['61001', '61000', '33'], ['33', '61000-61001']],
  ] as const)('%s', (_, type, texts, wanted) => {
    expect(shown(type, [...texts])).toEqual(wanted);
  });

  it.each(['', '1.2.3', '1.2.3.4/33', '1.2.3.4/x', '1.2.3.4/', '9.9.9.9-1.1.1.1', '1.1.1.1-2.2.2.2-3.3.3.3', '1.1.1.1; drop', '1.1.1.1 }'])(
    'takes no %j',
    (text) => {
      expect(parseInterval('ipv4_addr', text)).toBeNull();
    },
  );

  it.each(['-1', '4294967296', 'root', '1e3'])('takes no user %j', (text) => {
    expect(parseInterval('uid', text)).toBeNull();
  });
});
