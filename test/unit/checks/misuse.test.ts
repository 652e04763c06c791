import { expect, it } from 'vitest';
import { z } from 'zod';
import { type Check, defineCheck } from '../../../checks/check.ts';

const base = {
  revision: 1,
  layer: 'workstation',
  responsibility: 'yours',
  area: 'network',
  controls: [],
  timeoutMs: 1_000,
  rule: { everyMs: 60_000, settleMs: 0, graceMs: 0, on: { fail: 'note', degraded: 'note', unknown: 'note' } },
  params: z.strictObject({}),
  evidence: z.strictObject({ n: z.number() }),
  evaluate: () => ({ kind: 'pass' }),
} as const;
const one = { seen: true, value: { n: 1 } } as const;

const outsideTheList = () => ({ kind: 'fail', reason: 'y' }) as const;
const probe = async () => one;
const misfit = async () => ({ seen: true, value: { m: 1 } }) as const;

// What must not compile; `tsc` is the test, and a line that compiles makes its comment an error.
const misuses = [
  // @ts-expect-error a reason outside the closed list
  () => defineCheck({ ...base, id: 'network.a', venue: 'daemon', reasons: ['x'], probe, evaluate: outsideTheList }),
  // @ts-expect-error a session probe has no network
  () => defineCheck({ ...base, id: 'network.b', venue: 'session', reasons: [], probe: async (host) => host.net && one }),
  // @ts-expect-error what a probe gives must fit the evidence
  () => defineCheck({ ...base, id: 'network.c', venue: 'daemon', reasons: [], probe: misfit }),
  // @ts-expect-error a session check is no daemon check
  (): Check<'daemon'> => defineCheck({ ...base, id: 'device.d', venue: 'session', reasons: [], probe }),
];

it('is listed here so that the compiler refuses it', () => {
  expect(misuses).toHaveLength(4);
});
