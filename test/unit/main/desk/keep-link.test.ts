import { describe, expect, it } from 'vitest';
import type { LocalApiClient } from '../../../../contracts/local-link/connect.ts';
import { type LinkCode, LinkFault } from '../../../../contracts/local-link/link-fault.ts';
import { keepLink } from '../../../../main/desk/keep-link.ts';
import { linkWithout, retryDelayMs } from '../../../../main/desk/link-state.ts';
import { settle, settlingAfter } from '../settling-after.ts';

type Attempt = LinkCode | 'connected' | 'hangs';

/** A client of which only the end is looked at. */
function fakeClient() {
  let end: (why: LinkFault) => void = () => {};
  const closed = new Promise<LinkFault>((resolve) => {
    end = resolve;
  });
  const client = { closed, close: () => end(new LinkFault('closed', 'closed by us')) } as unknown as LocalApiClient;
  return { client, end };
}

function stage(script: Attempt[], greet: () => Promise<void> = async () => {}) {
  const time = settlingAfter();
  const attempts: number[] = [];
  const told: [number, string, LinkCode][] = [];
  const clients: ReturnType<typeof fakeClient>[] = [];
  const signs = new Set<() => void>();
  const link = keepLink({
    async connect() {
      attempts.push(time.nowMs());
      const next = script.shift();
      if (next === undefined) throw new Error('unscripted attempt');
      if (next === 'hangs') return new Promise<never>(() => {});
      if (next !== 'connected') throw new LinkFault(next, next);
      const made = fakeClient();
      clients.push(made);
      return made.client;
    },
    greet,
    watchForDaemon(onSign) {
      signs.add(onSign);
      return () => signs.delete(onSign);
    },
    onWithout: (state, why) => told.push([time.nowMs(), state, why.code]),
    after: time.after,
    monotonicMs: time.nowMs,
    random: () => 1,
  });
  return { time, attempts, told, clients, signs, link, sign: () => [...signs].map((onSign) => onSign()) };
}

describe('looking for a daemon', () => {
  it('waits longer after each failure, and up to a bound', async () => {
    const { time, attempts } = stage(Array.from({ length: 12 }, () => 'no-daemon'));
    await time.advance(80_000);
    const gaps = attempts.slice(1).map((ms, index) => ms - (attempts[index] ?? 0));
    // The fifth ends where people are told that there is none.
    expect(gaps).toEqual([250, 500, 1_000, 2_000, 1_250, 8_000, 15_000, 15_000, 15_000, 15_000]);
  });

  it('says for a few seconds only that it looks', async () => {
    const { time, told } = stage(Array.from({ length: 12 }, () => 'no-daemon'));
    await time.advance(5_000);
    expect(told.map(([, state]) => state)).toEqual(['connecting', 'connecting', 'connecting', 'connecting', 'connecting', 'absent']);
  });

  it('takes jitter from half the delay to all of it', () => {
    expect([retryDelayMs(0, 0), retryDelayMs(0, 1), retryDelayMs(3, 0.5), retryDelayMs(1_000, 0), retryDelayMs(1_000, 1)]).toEqual([
      125, 250, 1_500, 7_500, 15_000,
    ]);
  });

  it.each<[LinkCode, number | null, number, string]>([
    ['no-daemon', null, 4_999, 'connecting'],
    ['no-daemon', null, 5_000, 'absent'],
    ['not-your-socket', null, 0, 'connecting'],
    ['closed', 100_000, 100_000, 'reconnecting'],
    ['no-daemon', 100_000, 129_999, 'reconnecting'],
    ['no-daemon', 100_000, 130_000, 'absent'],
    ['timed-out', 100_000, 130_000, 'absent'],
    ['busy', 100_000, 100_001, 'reconnecting'],
    ['not-the-daemon', null, 0, 'not-the-daemon'],
    ['bad-response', 100_000, 100_001, 'not-the-daemon'],
    ['refused', 100_000, 100_001, 'not-the-daemon'],
  ])('%s, lost at %s, is at %s: %s', (code, lostMs, nowMs, state) => {
    expect(linkWithout(code, { startedMs: 0, lostMs }, nowMs)).toBe(state);
  });
});

describe('a sign of a daemon', () => {
  it('is followed at once, and no more often than five times a second', async () => {
    const { time, attempts, sign, signs } = stage(Array.from({ length: 12 }, () => 'no-daemon'));
    await time.advance(20_000);
    const before = attempts.length;
    for (let ms = 0; ms < 1_000; ms += 10) {
      sign();
      await time.advance(10);
    }
    expect(attempts.length - before).toBeGreaterThan(3);
    expect(attempts.length - before).toBeLessThan(7);
    expect(signs.size).toBe(1);
    expect(time.waiting()).toBeLessThanOrEqual(2);
  });

  it('is not followed while an attempt goes on', async () => {
    const { time, attempts, sign, link } = stage(['hangs']);
    await settle();
    sign();
    link.wake();
    await time.advance(60_000);
    expect(attempts).toEqual([0]);
  });
});

describe('a connection', () => {
  it('counts once it was greeted, and is looked for again when it is lost', async () => {
    const { time, attempts, told, clients, link } = stage(['connected', 'no-daemon', 'connected']);
    expect(link.client()).toBeNull();
    await time.advance(60_000);
    expect(link.client()).toBe(clients[0]?.client);
    clients[0]?.end(new LinkFault('closed', ''));
    await settle();
    expect(link.client()).toBeNull();
    expect(told).toEqual([[60_000, 'reconnecting', 'closed']]);
    await time.advance(1_000);
    expect(link.client()).toBe(clients[1]?.client);
    expect(attempts).toEqual([0, 60_250, 60_750]);
  });

  it('whose greeting fails is closed, and tried again later and later', async () => {
    const { time, attempts, told, clients } = stage(
      Array.from({ length: 6 }, () => 'connected'),
      async () => {
        throw new LinkFault('bad-response', 'half a snapshot');
      },
    );
    await time.advance(4_900);
    expect(attempts).toEqual([0, 250, 750, 1_750, 3_750]);
    expect(told.map(([, state]) => state)).toEqual(Array.from({ length: 5 }, () => 'not-the-daemon'));
    await expect(Promise.all(clients.map(({ client }) => client.closed))).resolves.toHaveLength(5);
  });

  it('that falls over at once is not asked without end', async () => {
    const { time, attempts, clients } = stage(Array.from({ length: 20 }, () => 'connected'));
    for (let ms = 0; ms < 10_000; ms += 50) {
      await time.advance(50);
      clients.at(-1)?.end(new LinkFault('closed', ''));
    }
    expect(attempts.length).toBeLessThan(8);
  });

  it('is looked for at once when the machine wakes', async () => {
    const { time, attempts, link } = stage(Array.from({ length: 12 }, () => 'no-daemon'));
    await time.advance(40_000);
    link.wake();
    await settle();
    expect(attempts.at(-1)).toBe(40_000);
  });

  it('is looked for no more once stopped, and what waits is called off', async () => {
    const { time, attempts, link, signs, told } = stage(['no-daemon', 'no-daemon']);
    await settle();
    link.stop();
    await time.advance(60_000);
    expect(attempts).toEqual([0]);
    expect([time.waiting(), signs.size, told.length]).toEqual([0, 0, 1]);
  });

  it('that comes after the stop is closed', async () => {
    const { link, clients } = stage(['connected']);
    link.stop();
    await settle();
    expect(link.client()).toBeNull();
    expect((await clients[0]?.client.closed)?.code).toBe('closed');
  });
});
