import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Desk, startDesk } from '../../../../agent/daemon/desk.ts';
import { fakeCheck, seen } from '../../../fakes/fake-check.ts';
import { fakeDaemonHost } from '../../../fakes/fake-daemon-host.ts';
import { fakePlan } from '../../../fakes/fake-plan.ts';
import { fakePolicy, fakeRule } from '../../../fakes/fake-policy.ts';

let desk: Desk;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
afterEach(async () => {
  await desk.stop();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Starts a desk, and tells for each round when it began (in seconds) and what it looked at. */
function start(given: readonly { id: string; everyMs: number; minIntervalMs?: number }[]) {
  const rounds: [number, ...string[]][] = [];
  const told: string[][] = [];
  const startedMs = performance.now();
  const clock = { wallMs: Date.now, monotonicMs: () => performance.now() };
  const checks = given.map(({ id, minIntervalMs = 0 }) =>
    fakeCheck(id, {
      minIntervalMs,
      probe: async () => {
        rounds.at(-1)?.push(id);
        return seen(true);
      },
    }),
  );
  desk = startDesk({
    orders: {
      policy: fakePolicy(given.map(({ id, everyMs }) => fakeRule(id, { everyMs }))),
      plan: fakePlan(),
      waivers: [],
      vantage: 'endpoint',
    },
    checks,
    memory: { findings: [], history: {} },
    clock,
    random: () => 0,
    makeHost() {
      rounds.push([Math.round((performance.now() - startedMs) / 1_000)]);
      return { host: fakeDaemonHost({ clock }), close() {} };
    },
    onVerdict() {},
    onRound: (rules) => told.push(rules.map(({ id, check }) => `${id} of ${check}`)),
    onFinding({ rule }) {
      told.push([`found ${rule}`]);
    },
    onDefect(error) {
      throw error;
    },
  });
  return { rounds, told, checkOf: (id: string) => checks.find((check) => check.id === id)?.id };
}

it('takes along what is due within a tenth of its cadence, and stays together from then on', async () => {
  const { rounds, checkOf } = start(['network.a', 'network.b', 'network.c'].map((id) => ({ id, everyMs: 60_000 })));
  await pass(6_000);
  desk.trigger(checkOf('network.b'));
  await pass(3_000);
  desk.trigger(checkOf('network.c'));
  await pass(120_000);
  expect(rounds).toEqual([
    [0, 'network.a', 'network.b', 'network.c'],
    [6, 'network.b'],
    [9, 'network.c'],
    [60, 'network.a', 'network.b'],
    [69, 'network.c'],
    [120, 'network.a', 'network.b'],
    [129, 'network.c'],
  ]);
});

it('leaves a check its distance', async () => {
  const { rounds } = start([
    { id: 'network.a', everyMs: 56_000 },
    { id: 'network.d', everyMs: 60_000, minIntervalMs: 60_000 },
  ]);
  await pass(61_000);
  expect(rounds).toEqual([
    [0, 'network.a', 'network.d'],
    [56, 'network.a'],
    [60, 'network.d'],
  ]);
});

it('tells what each round looks at before it finds anything', async () => {
  const { told, checkOf } = start([
    { id: 'network.a', everyMs: 60_000 },
    { id: 'network.b', everyMs: 600_000 },
  ]);
  await pass(1_000);
  expect(told.splice(0)).toEqual([['network.a of network.a', 'network.b of network.b'], ['found network.a'], ['found network.b']]);
  desk.trigger(checkOf('network.b'));
  // At once: who asked is answered after that.
  expect(told.splice(0)).toEqual([['network.b of network.b']]);
  await pass(1_000);
  expect(told.splice(0)).toEqual([['found network.b']]);
  await pass(60_000);
  expect(told).toEqual([['network.a of network.a'], ['found network.a']]);
});

it('says how long it is until what was asked for is looked at', async () => {
  const { checkOf } = start([
    { id: 'network.a', everyMs: 60_000 },
    { id: 'network.d', everyMs: 60_000, minIntervalMs: 60_000 },
  ]);
  // While it is looked at already, too.
  expect(desk.trigger(checkOf('network.d'))).toBe(0);
  await pass(20_000);
  expect(desk.trigger(checkOf('network.a'))).toBe(0);
  expect(desk.trigger(checkOf('network.d'))).toBe(40_000);
  expect(desk.trigger()).toBe(0);
});
