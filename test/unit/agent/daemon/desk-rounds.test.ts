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
    onFinding() {},
    onDefect(error) {
      throw error;
    },
  });
  return { rounds, checkOf: (id: string) => checks.find((check) => check.id === id)?.id };
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
