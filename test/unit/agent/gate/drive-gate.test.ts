import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ActivityReader } from '../../../../agent/activity/reader.ts';
import { driveGate, type GateDriver, type GateDriverSettings, type GateFacts } from '../../../../agent/gate/drive-gate.ts';
import type { Enforcer, GateOrder } from '../../../../agent/gate/enforcer.ts';
import type { EnforcerStatus } from '../../../../contracts/enforcer.ts';
import type { CallActivity, GateMemory } from '../../../../contracts/gate.ts';

const scope = { ccpHosts: ['acme.my.connect.aws'], transportHosts: [], mediaPrefixes: [], sharedPrefixes: [] };
const enforcing: GateFacts = {
  standing: 'clear',
  criticalBlock: false,
  trouble: false,
  policy: {
    gate: { mode: 'enforce', onAgentLoss: 'open', maxDrainMs: 60_000, exemptUids: [] },
    whenUndetermined: 'open',
    undeterminedGraceMs: 600_000,
    features: { voice: true, chat: true, attachments: false, video: false, globalResiliency: false, screenRecording: false, vdi: false },
  },
  policySigned: true,
  enrolled: true,
  vantage: 'endpoint',
  released: null,
  scope,
  agentUids: [1000],
};

const drivers: GateDriver[] = [];
/** None is expected but where a test takes it out. */
const defects: string[] = [];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
});
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.stop()));
  vi.useRealTimers();
  expect(defects.splice(0)).toEqual([]);
});

/** Everything that happens, in order. */
function stage(facts: Partial<GateFacts> = {}, settings: Partial<GateDriverSettings> = {}) {
  const now: GateFacts = { ...enforcing, ...facts };
  const log: string[] = [];
  const orders: GateOrder[] = [];
  const says: { media: CallActivity; microphone: CallActivity } = { media: 'idle', microphone: 'idle' };
  const reader = (source: 'media-packets' | 'microphone', word: () => CallActivity): ActivityReader => ({
    source,
    read: async (_uids, observedAtMs) => [{ source, side: 'privileged', says: word(), observedAtMs }],
    close: async () => void log.push(`${source} closed`),
  });
  const enforcer: Enforcer = {
    name: 'egress',
    async hold(order) {
      orders.push(order);
      log.push(order.closed ? 'shut' : 'opened');
      const wanted = order.closed ? 'closed' : 'open';
      return { enforcer: 'egress', wanted, state: 'confirmed', targets: [] } satisfies EnforcerStatus;
    },
  };
  const driver = driveGate({
    memory: null,
    clock: { wallMs: Date.now, monotonicMs: () => performance.now() },
    readers: [reader('media-packets', () => says.media), reader('microphone', () => says.microphone)],
    enforcers: [enforcer],
    facts: () => now,
    leftShut: false,
    persist: async () => void log.push('persisted'),
    onStep() {},
    onChange: ({ state, reason }) => log.push(`${state}: ${reason}`),
    onDefect: (error) => defects.push(String(error)),
    ...settings,
  });
  drivers.push(driver);
  return { driver, now, log, orders, says };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

const closedMemory: GateMemory = {
  schema: 1,
  steppedAtMs: 0,
  state: 'closed',
  wouldBe: 'closed',
  sinceMs: 0,
  reason: 'blocked',
  spentMs: 0,
  spending: false,
  undeterminedSinceMs: null,
  resumed: false,
};

describe('a gate that acts', () => {
  it('closes when nobody is on a call, and writes that down before it does', async () => {
    const { driver, now, log } = stage();
    await pass(1);
    now.standing = 'blocked';
    driver.poke();
    await pass(1);
    expect(driver.status().state).toBe('closed');
    expect(log.indexOf('persisted')).toBeGreaterThan(-1);
    expect(log.indexOf('persisted')).toBeLessThan(log.indexOf('shut'));
  });

  it('drains a call that the privileged side sees, for as long as it lasts, and closes within two looks of its end', async () => {
    const { driver, now, says, orders } = stage();
    await pass(1);
    says.media = 'on-call';
    now.standing = 'blocked';
    driver.poke();
    await pass(10 * 60_000);
    expect(driver.status()).toMatchObject({ state: 'draining', drainEndsByMs: null });
    expect(orders.some(({ closed }) => closed)).toBe(false);
    says.media = 'idle';
    await pass(4_000);
    expect(driver.status().state).toBe('closed');
    expect(orders.at(-1)?.closed).toBe(true);
  });

  it('a session that says "on a call" gains the budget and no more', async () => {
    const { driver, now } = stage();
    now.standing = 'blocked';
    const saying = setInterval(() => driver.hear(1000, 'on-call'), 1_000);
    driver.hear(1000, 'on-call');
    driver.poke();
    for (let second = 0; second < 59; second++) {
      driver.hear(1000, 'on-call');
      await pass(1_000);
    }
    expect(driver.status().state).toBe('draining');
    for (let second = 0; second < 3; second++) {
      driver.hear(1000, 'on-call');
      await pass(1_000);
    }
    clearInterval(saying);
    expect(driver.status()).toMatchObject({ state: 'closed', reason: 'drain-expired' });
  });

  it('puts back what somebody may have taken away, again and again', async () => {
    const { orders } = stage({ standing: 'blocked' });
    await pass(30_000);
    expect(orders.filter(({ closed }) => closed).length).toBeGreaterThanOrEqual(5);
  });

  it('takes up another scope at once', async () => {
    const { driver, now, orders } = stage({ standing: 'blocked' });
    await pass(3_000);
    now.scope = { ...scope, ccpHosts: ['other.my.connect.aws'] };
    driver.poke();
    await pass(1);
    expect(orders.at(-1)?.scope.ccpHosts).toEqual(['other.my.connect.aws']);
  });

  it('closes although the disk hangs or is full', async () => {
    const hanging = stage({ standing: 'blocked' }, { persist: () => new Promise(() => {}) });
    await pass(5_000);
    expect(hanging.orders.at(-1)?.closed).toBe(true);
    const full = stage({ standing: 'blocked' }, { persist: () => Promise.reject(new Error('disk-full')) });
    await pass(5_000);
    expect(full.orders.at(-1)?.closed).toBe(true);
    expect(new Set(defects.splice(0))).toEqual(new Set(['Error: disk-full']));
  });

  it('opens at the moment of a release, and closes at its end without being asked', async () => {
    const { driver, now } = stage({ standing: 'blocked' });
    await pass(3_000);
    now.released = { untilMs: performance.now() + 10_000 };
    driver.poke();
    await pass(1);
    expect(driver.status()).toMatchObject({ state: 'open', reason: 'released' });
    await pass(10_001);
    now.released = null;
    await pass(3_000);
    expect(driver.status().state).toBe('closed');
  });
});

describe('a gate that does not act', () => {
  it.each([
    ['of a desk that is not enrolled', { enrolled: false }],
    ['under a policy that nobody signed', { policySigned: false }],
    ['that observes', { policy: { ...enforcing.policy, gate: { ...enforcing.policy.gate, mode: 'observe' as const } } }],
  ])('%s closes nothing, and takes away what was there', async (_whose, facts) => {
    const { driver, orders } = stage({ ...facts, standing: 'blocked' }, { memory: closedMemory, leftShut: true });
    await pass(60_000);
    expect(orders.length).toBeGreaterThan(0);
    expect(orders.every(({ closed }) => !closed)).toBe(true);
    expect(driver.status()).toMatchObject({ state: 'open', wouldBe: 'closed', acting: false });
    expect(driver.enforcers()).toEqual([]);
  });
});

describe('after a restart', () => {
  it('what was left shut stays shut from the first moment, whatever looks like a call', async () => {
    const { driver, orders, says } = stage({ standing: 'blocked' }, { memory: closedMemory, leftShut: true });
    says.media = 'on-call';
    expect(driver.status().state).toBe('closed');
    await pass(10_000);
    expect(orders.every(({ closed }) => closed)).toBe(true);
  });

  it('a call that began while the gate stood open is looked for first, and not cut', async () => {
    const { driver, orders, says } = stage({ standing: 'blocked' }, { memory: closedMemory });
    says.media = 'on-call';
    await pass(60_000);
    expect(driver.status().state).toBe('draining');
    expect(orders.some(({ closed }) => closed)).toBe(false);
  });

  it('without a call it closes again after that look', async () => {
    const { driver } = stage({ standing: 'blocked' }, { memory: closedMemory });
    await pass(3_001);
    expect(driver.status().state).toBe('closed');
  });
});

it('a slow enforcer holds up no other, and gets the last order only', async () => {
  const seen: boolean[] = [];
  let release = () => {};
  const status = (order: GateOrder): EnforcerStatus => ({
    enforcer: 'browser-policy',
    wanted: order.closed ? 'closed' : 'open',
    state: 'written',
    targets: [],
  });
  const slow: Enforcer = {
    name: 'browser-policy',
    async hold(order) {
      seen.push(order.closed);
      if (seen.length === 1) await new Promise<void>((resolve) => (release = resolve));
      return status(order);
    },
  };
  const quick: boolean[] = [];
  const other: Enforcer = {
    name: 'egress',
    async hold(order) {
      quick.push(order.closed);
      return { ...status(order), enforcer: 'egress' };
    },
  };
  const { driver, now } = stage({}, { enforcers: [slow, other] });
  await pass(1);
  for (const standing of ['blocked', 'clear', 'blocked'] as const) {
    now.standing = standing;
    driver.poke();
    await pass(10);
  }
  expect(quick).toEqual([false, true, false, true]);
  expect(seen).toEqual([false]);
  release();
  await pass(1);
  expect(seen).toEqual([false, true]);
});

describe('what could not be opened', () => {
  const stuck: Enforcer = {
    name: 'egress',
    async hold({ closed }) {
      return { enforcer: 'egress', wanted: closed ? 'closed' : 'open', state: 'degraded', targets: [] };
    },
  };

  it.each([
    ['where the gate acts', {}],
    ['where it does not', { enrolled: false }],
  ])('is tried again for as long as it takes, and told, %s', async (_where, facts) => {
    let tries = 0;
    const counting: Enforcer = {
      ...stuck,
      hold(order) {
        tries++;
        return stuck.hold(order);
      },
    };
    const { driver } = stage(facts, { enforcers: [counting] });
    await pass(10 * 60_000);
    expect(tries).toBeGreaterThan(100);
    expect(driver.enforcers()).toMatchObject([{ enforcer: 'egress', state: 'degraded', wanted: 'open' }]);
  });
});

describe('a short budget', () => {
  const short = { policy: { ...enforcing.policy, gate: { ...enforcing.policy.gate, maxDrainMs: 0 } } };

  it('cuts no call that is seen, over a restart in the middle of a drain', async () => {
    const memory: GateMemory = { ...closedMemory, state: 'draining', wouldBe: 'draining' };
    const { driver, says, orders } = stage({ ...short, standing: 'blocked' }, { memory });
    says.media = 'on-call';
    await pass(60_000);
    expect(driver.status().state).toBe('draining');
    expect(orders.some(({ closed }) => closed)).toBe(false);
  });
});
