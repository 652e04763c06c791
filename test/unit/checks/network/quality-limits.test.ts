import { expect, it } from 'vitest';
import { qualityLimits } from '../../../../checks/network/quality-limits.ts';
import { fakeRule } from '../../../fakes/fake-policy.ts';

const CHECK = 'network.media-quality';
const recommended = {
  rttMs: { warn: 300, fail: 600 },
  jitterMs: { warn: 30, fail: 60 },
  lossPercent: { warn: 1, fail: 5 },
  mos: { warn: 3.6, fail: 3.1 },
};
const own = { params: { mos: { warn: 4, fail: 3.5 } } };

it('are what the policy says, and what the check recommends beside it', () => {
  expect(qualityLimits([fakeRule('network.dns'), fakeRule(CHECK)], 'endpoint')).toEqual(recommended);
  expect(qualityLimits([fakeRule(CHECK, own)], 'endpoint')).toEqual({ ...recommended, mos: { warn: 4, fail: 3.5 } });
});

it('are those of desks like this one', () => {
  const rules = [fakeRule(CHECK, { vantage: 'vdi-guest' }), fakeRule(CHECK, { ...own, vantage: 'endpoint' })];
  expect(qualityLimits(rules, 'endpoint')?.mos).toEqual({ warn: 4, fail: 3.5 });
  expect(qualityLimits(rules, 'vdi-guest')?.mos).toEqual(recommended.mos);
});

it.each([
  ['no rule measures calls', []],
  ['none does on a desk like this', [fakeRule(CHECK, { vantage: 'vdi-guest' as const })]],
  ['its params are not the check’s', [fakeRule(CHECK, { params: { mos: 'good' } })]],
])('are not there where %s', (_name, rules) => {
  expect(qualityLimits(rules, 'endpoint')).toBeNull();
});
