import { performance } from 'node:perf_hooks';
import { expect, it } from 'vitest';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { catalog } from '../../../checks/catalog.ts';
import { PolicyText } from '../../../contracts/console/policies.ts';
import { readPolicyText } from '../../../fleet/policies/revisions.ts';

const MAX = 256 * 1024;
const facts = { checks: catalog, allowlist: bundledAllowlist };
const read = (source: string) => readPolicyText(source, { alias: 'acme', region: 'us-west-2' }, facts);

const timeOf = (source: string): number => {
  const from = performance.now();
  expect(read(source).ok).toBe(false);
  return performance.now() - from;
};
const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index}: 1`).join('\n');

// Whoever may read policies has them validated, and everybody else waits meanwhile.
it('reads eight times as many keys in about eight times the time', { timeout: 60_000 }, () => {
  timeOf(keys(1_000));
  const few = Math.min(timeOf(keys(3_000)), timeOf(keys(3_000)), timeOf(keys(3_000)));
  const many = Math.min(timeOf(keys(24_000)), timeOf(keys(24_000)));
  expect(many / few).toBeLessThan(32);
});

it('takes no more text than a policy can need', () => {
  expect(PolicyText.safeParse({ source: 'x'.repeat(MAX) }).success).toBe(true);
  expect(PolicyText.safeParse({ source: 'x'.repeat(MAX + 1) }).success).toBe(false);
});

it('finds a key that stands twice at any depth, and anchors of maps', () => {
  const problems = (source: string) => {
    const found = read(source);
    return found.ok ? [] : found.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
  };
  expect(problems('id: x\nfeatures:\n  voice: true\n  "voice": false\nid: y\n')).toEqual([
    '4:3 the key "voice" stands twice',
    '5:1 the key "id" stands twice',
  ]);
  expect(problems('{a: {b: 1, b: 2}}')).toEqual(['1:12 the key "b" stands twice']);
  expect(problems('features: &f { voice: true }\n')).toEqual(['1:14 anchors and aliases are not allowed in a policy']);
});
