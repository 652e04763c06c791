import { expect, it } from 'vitest';
import { listHosts, mostFrequent } from '../../../../checks/network/plan-hosts.ts';

const many = (count: number) => Array.from({ length: count }, (_, i) => `host-${String(i).padStart(2, '0')}.example.com`);

it.each([
  ['nothing', [], ''],
  ['each host once', ['a', 'b', 'a'], 'a, b'],
  ['every host of a large plan', many(40), many(40).join(', ')],
])('listHosts names %s', (_name, hosts, expected) => {
  expect(listHosts(hosts)).toBe(expected);
});

it('listHosts counts what would not fit', () => {
  const list = listHosts(many(200));
  expect(list.length).toBeLessThanOrEqual(2_000);
  const named = list.split(', ').length;
  expect(list.endsWith(` (+${200 - named})`)).toBe(true);
});

it.each([
  [[], undefined],
  [['a'], 'a'],
  [['a', 'b', 'b'], 'b'],
  [['a', 'b'], 'a'],
])('mostFrequent of %j is %j', (values, expected) => {
  expect(mostFrequent<string>(values)).toBe(expected);
});
