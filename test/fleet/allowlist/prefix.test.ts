import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { buildPrefixTable } from '../../../checks/network/prefix-table.ts';
import { addressesOf, comparePrefixes, foldPrefixes, type Prefix, readPrefix, writePrefix } from '../../../fleet/allowlist/prefix.ts';

const prefixes = (family: 4 | 6) =>
  fc
    .tuple(
      fc.bigInt({ min: 0n, max: family === 4 ? 0xffffffffn : (1n << 128n) - 1n }),
      fc.integer({ min: 0, max: family === 4 ? 32 : 128 }),
    )
    .map(([value, length]): Prefix => {
      const spare = BigInt((family === 4 ? 32 : 128) - length);
      return { family, first: (value >> spare) << spare, length };
    });
/** Close together, so that they meet. */
const crowded = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 24, max: 32 })).map(([octet, length]): Prefix => {
  const spare = BigInt(32 - length);
  return { family: 4, first: ((0x0a000000n + BigInt(octet)) >> spare) << spare, length };
});

it('reads back what it writes', () => {
  fc.assert(
    fc.property(fc.oneof(prefixes(4), prefixes(6)), (prefix) => {
      expect(readPrefix(writePrefix(prefix))).toEqual(prefix);
    }),
  );
});

it.each([
  '',
  '10.0.0.0',
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.1/31',
  '10.0.0.0/08',
  '10.0.0/8',
  '10.0.0.0/8/8',
  '2600::/129',
  '2600::1/127',
  '::ffff:10.0.0.0/104',
  'fe80::%1/64',
  '2600:::/32',
  ' 10.0.0.0/8',
])('refuses %j', (text) => {
  expect(readPrefix(text)).toBeNull();
});

it('folds to the same addresses, in the fewest prefixes that do not touch', () => {
  fc.assert(
    fc.property(fc.array(crowded, { minLength: 1, maxLength: 30 }), (list) => {
      const folded = foldPrefixes(list);
      const [before, after] = [list, folded].map((one) => buildPrefixTable(one.map(writePrefix)));
      for (let octet = 0; octet < 256; octet++) expect(after?.has(`10.0.0.${octet}`)).toBe(before?.has(`10.0.0.${octet}`));
      expect(folded).toEqual([...folded].sort(comparePrefixes));
      expect(foldPrefixes(folded)).toEqual(folded);
      // Every one is needed: without it fewer addresses are left.
      for (const one of folded)
        expect(addressesOf(foldPrefixes(folded.filter((other) => other !== one)))).toBeLessThan(addressesOf(folded));
    }),
  );
  expect(foldPrefixes(['10.0.0.0/25', '10.0.0.128/25', '10.0.1.0/24'].flatMap((text) => readPrefix(text) ?? [])).map(writePrefix)).toEqual([
    '10.0.0.0/23',
  ]);
  expect(foldPrefixes(['10.0.1.0/24', '10.0.2.0/24'].flatMap((text) => readPrefix(text) ?? [])).map(writePrefix)).toEqual([
    '10.0.1.0/24',
    '10.0.2.0/24',
  ]);
});

it('writes and folds as the shipped list was made', () => {
  const [amazon] = bundledAllowlist.prefixes.AMAZON ?? [];
  for (const list of [amazon?.v4 ?? [], amazon?.v6 ?? []]) {
    expect(list.length).toBeGreaterThan(1_000);
    expect(foldPrefixes(list.flatMap((text) => readPrefix(text) ?? [])).map(writePrefix)).toEqual(list);
  }
});
