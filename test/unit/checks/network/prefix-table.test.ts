import { BlockList, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundledAllowlist } from '../../../../checks/allowlist/bundled.ts';
import { parseV6Into } from '../../../../checks/network/address.ts';
import { buildPrefixTable } from '../../../../checks/network/prefix-table.ts';

const v4 = fc.ipV4();
const v6 = fc.ipV6();
const prefix = fc.oneof(fc.tuple(v4, fc.nat(32)), fc.tuple(v6, fc.nat(128))).map(([address, bits]) => `${address}/${bits}`);

const isV6 = (text: string) => text.includes(':');

/** Node's own list, the slow and trusted judge. One family at a time: it takes an IPv4 address for its mapped IPv6 form. */
function reference(prefixes: readonly string[]): (address: string) => boolean {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  const family = (text: string) => (isV6(text) ? 'ipv6' : 'ipv4');
  for (const text of prefixes) {
    const [address = '', bits] = text.split('/');
    lists[family(text)].addSubnet(address, Number(bits), family(text));
  }
  return (address) => lists[family(address)].check(address, family(address));
}

describe('buildPrefixTable', () => {
  it('agrees with net.BlockList on any prefixes and addresses', () => {
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 12 }), fc.oneof(v4, v6), (prefixes, address) => {
        expect(buildPrefixTable(prefixes).has(address)).toBe(reference(prefixes)(address));
      }),
    );
  });

  it("agrees with net.BlockList on AWS's prefixes, at and around every edge", () => {
    const prefixes = (bundledAllowlist.prefixes.AMAZON_CONNECT ?? []).flatMap((set) => [...set.v4, ...set.v6]);
    const table = buildPrefixTable(prefixes);
    const listed = reference(prefixes);
    const edges = prefixes.filter((p) => !p.includes(':')).flatMap((p) => neighbours(p));
    expect(edges.filter((address) => table.has(address) !== listed(address))).toEqual([]);
    expect(edges.length).toBeGreaterThan(80);
  });

  it('holds every Connect prefix in the AMAZON superset', () => {
    const amazon = buildPrefixTable((bundledAllowlist.prefixes.AMAZON ?? []).flatMap((set) => [...set.v4, ...set.v6]));
    const connect = (bundledAllowlist.prefixes.AMAZON_CONNECT ?? []).flatMap((set) => [...set.v4, ...set.v6]);
    expect(connect.filter((p) => !amazon.has(p.split('/')[0] ?? ''))).toEqual([]);
  });

  it.each([
    '198.51.100.7',
    '10.0.0.1',
    '2001:db8::1',
    'acme.my.connect.aws',
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '::g',
    '1::2::3',
    ':1',
  ])('does not have %j', (address) => {
    const amazon = buildPrefixTable((bundledAllowlist.prefixes.AMAZON ?? []).flatMap((set) => [...set.v4, ...set.v6]));
    expect(amazon.has(address)).toBe(false);
  });

  it.each(['15.193.0.0', '15.193.0.0/33', '15.193.0.0/x', '2600::/129', 'nonsense/8'])('refuses %j', (text) => {
    expect(() => buildPrefixTable([text])).toThrow(`not a prefix in CIDR notation: ${text}`);
  });

  it('reads the forms an IPv6 address is written in', () => {
    const table = buildPrefixTable(['2600:f0f2:7100::/40']);
    const forms = [
      '2600:f0f2:7100::11',
      '2600:F0F2:7100:0:0:0:0:11',
      '2600:f0f2:71ff:ffff:ffff:ffff:255.255.255.255',
      '2600:f0f2:7100::11%eth0',
    ];
    expect(forms.filter((form) => !table.has(form))).toEqual([]);
  });
});

/** First and last address of an IPv4 prefix, and those just outside. */
function neighbours(text: string): string[] {
  const [address = '', bits] = text.split('/');
  const first = address.split('.').reduce((value, octet) => value * 256 + Number(octet), 0);
  const last = first + 2 ** (32 - Number(bits)) - 1;
  return [first - 1, first, last, last + 1].map((value) => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.'));
}

describe('parseV6Into', () => {
  const groups = new Uint16Array(8);

  it('agrees with Node on what is an IPv6 address, and on its groups', () => {
    // Near misses: a valid address with one character changed, doubled or dropped.
    const nearly = fc.tuple(v6, fc.nat(40), fc.constantFrom('', ':', '::', '0', 'f', 'g', '.', '12345')).map(([address, at, put]) => {
      return address.slice(0, at) + put + address.slice(at + 1);
    });
    fc.assert(
      fc.property(fc.oneof(v6, nearly), (text) => {
        expect(parseV6Into(groups, text)).toBe(isIPv6(text));
        if (isIPv6(text)) expect(groups).toEqual(groupsByNode(text));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Node writes any address in one canonical form. */
function groupsByNode(text: string): Uint16Array {
  const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const read = (half: string) => (half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16)));
  const [before, after] = [read(head), tail === undefined ? [] : read(tail)];
  return Uint16Array.from([...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]);
}
