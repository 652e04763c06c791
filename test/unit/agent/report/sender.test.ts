import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createSender,
  FIRST_BACKOFF_MS,
  LONGEST_ASKED_MS,
  LONGEST_BACKOFF_MS,
  SEND_DEADLINE_MS,
  type SenderFault,
  type SendResult,
} from '../../../../agent/report/sender.ts';
import type { Report } from '../../../../contracts/report.ts';
import { fakeClock } from '../../../fakes/fake-clock.ts';
import { EPOCH } from './open-box.ts';
import { aReport } from './sample-report.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Answer = SendResult | 'hang' | Error;

const taken: Answer = { kind: 'accepted' };
const retry: Answer = { kind: 'retry', detail: 'connection refused' };

/** A queue in memory and a fleet that answers from a script, and fails the test beyond its end. */
function sending(count: number, script: Answer[], random = () => 1) {
  const clock = fakeClock();
  const queue: Report[] = [];
  const sent: [atMs: number, seq: number][] = [];
  const faults: SenderFault[] = [];
  const refused: [number, string][] = [];
  const epochs: string[] = [];
  let inFlight = 0;
  let broken: Error | null = null;
  const add = () => queue.push(aReport(crypto.randomUUID(), EPOCH, sent.length + queue.length));
  for (let i = 0; i < count; i++) add();
  const sender = createSender({
    outbox: {
      peek: async () => {
        if (broken) throw broken;
        return queue[0] ? { report: queue[0] } : null;
      },
      acknowledge: async (id) => {
        if (queue[0]?.id !== id) throw new Error('only the oldest is in flight');
        queue.shift();
      },
      newEpoch: async (epoch) => {
        epochs.push(epoch);
      },
    },
    async send(report, signal) {
      sent.push([clock.monotonicMs(), report.seq]);
      const answer = script.shift();
      if (answer === undefined) throw new Error('asked more often than scripted');
      inFlight += 1;
      expect(inFlight, 'one in flight').toBe(1);
      try {
        if (answer === 'hang')
          await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
        if (answer instanceof Error) throw answer;
        return answer as SendResult;
      } finally {
        inFlight -= 1;
      }
    },
    setAside: async (report, code) => {
      refused.push([report.seq, code]);
    },
    clock,
    random,
    onFault: (fault) => faults.push(fault),
  });
  /** In steps, so that both clocks go together. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      clock.advance(Math.min(50, left));
      await vi.advanceTimersByTimeAsync(Math.min(50, left));
    }
  };
  const settle = () => vi.advanceTimersByTimeAsync(0);
  const breakOutbox = (error: Error | null) => {
    broken = error;
  };
  return { sender, add, queue, sent, script, faults, refused, epochs, pass, settle, breakOutbox };
}

describe('what waits', () => {
  it('is sent one at a time, the oldest first, and then nothing more is asked', async () => {
    const { sender, sent, queue, settle, pass, add, script } = sending(3, [taken, taken, taken, taken]);
    sender.more();
    sender.more();
    sender.kick();
    await settle();
    expect(sent).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
    ]);
    expect([queue, sender.status()]).toEqual([[], { state: 'idle', trouble: null }]);
    await pass(60 * 60_000);
    add();
    sender.more();
    await settle();
    expect([script, queue]).toEqual([[], []]);
  });

  it('is tried again after pauses that double up to five minutes, and follows at once when it is taken', async () => {
    const { sender, sent, settle, pass } = sending(2, [...Array.from({ length: 11 }, () => retry), taken, taken]);
    sender.more();
    await settle();
    expect(sender.status()).toEqual({ state: 'waiting', trouble: 'connection refused' });
    await pass(30 * 60_000);
    const gaps = sent.slice(1).map(([atMs], i) => atMs - (sent[i]?.[0] ?? 0));
    const doubled = Array.from({ length: 11 }, (_, i) => Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** i));
    expect(gaps).toEqual([...doubled, 0]);
    expect(sender.status()).toEqual({ state: 'idle', trouble: null });
  });

  it('is spread by chance over the whole pause, and never sent in a busy loop', async () => {
    const draws = [0, 0.5, 0.25, 0];
    const { sender, sent, settle, pass } = sending(1, [retry, retry, retry, retry, taken], () => draws.shift() ?? 0);
    sender.more();
    await settle();
    await pass(10_000);
    // Two draws a pause: its own, and that of what the fleet asked for.
    expect(sent.map(([atMs]) => atMs)).toEqual([0, 100, 600, 700, 800]);
  });

  it('is not sent sooner because more comes in', async () => {
    const { sender, sent, settle, pass, add } = sending(1, [retry, retry, taken, taken, taken]);
    sender.more();
    await settle();
    for (let i = 0; i < 2; i++) {
      add();
      sender.more();
      await pass(450);
    }
    expect(sent).toHaveLength(1);
    await pass(5_000);
    expect(sent).toHaveLength(5);
  });

  it('is sent at once when there is hope', async () => {
    const { sender, sent, settle, pass } = sending(1, [retry, retry, retry, retry, taken]);
    sender.more();
    await settle();
    await pass(8_000);
    expect(sent).toHaveLength(4);
    sender.kick();
    await settle();
    expect(sent).toHaveLength(5);
  });

  it('waits as long as the fleet asks for, also when there is hope, and not for ever', async () => {
    const busy = (afterMs: number): Answer => ({ kind: 'retry', detail: 'slow-down', afterMs });
    const { sender, sent, settle, pass } = sending(1, [busy(120_000), busy(Number.MAX_SAFE_INTEGER), taken], () => 0);
    sender.more();
    await settle();
    await pass(60_000);
    sender.kick();
    await pass(59_950);
    expect(sent).toHaveLength(1);
    await pass(50);
    expect(sent).toHaveLength(2);
    sender.kick();
    await pass(LONGEST_ASKED_MS - 50);
    expect(sent).toHaveLength(2);
    await pass(50);
    expect(sent).toHaveLength(3);
  });

  it('is given up at the deadline of its answer, and tried again', async () => {
    const { sender, sent, settle, pass } = sending(1, ['hang', new Error('reset'), taken]);
    sender.more();
    await settle();
    await pass(SEND_DEADLINE_MS - 50);
    expect([sender.status().state, sent.length]).toEqual(['sending', 1]);
    await pass(50 + FIRST_BACKOFF_MS);
    expect([sender.status(), sent.length]).toEqual([{ state: 'waiting', trouble: 'reset' }, 2]);
    await pass(2 * FIRST_BACKOFF_MS);
    expect(sent).toHaveLength(3);
  });
});

describe('what is not taken', () => {
  it('for good is set aside, told, and followed by a pause, so that no queue is thrown away at once', async () => {
    const refusal = (code: 'bad-request' | 'too-large'): Answer => ({ kind: 'refused', code, detail: 'findings.0' });
    const { sender, sent, refused, faults, settle, pass, queue } = sending(4, [refusal('bad-request'), refusal('too-large'), taken, taken]);
    sender.more();
    await settle();
    expect([sent.length, queue.length]).toEqual([1, 3]);
    await pass(10_000);
    expect(sent.map(([atMs]) => atMs)).toEqual([0, 1_000, 3_000, 3_000]);
    expect(refused).toEqual([
      [0, 'bad-request'],
      [1, 'too-large'],
    ]);
    expect(faults.map(({ code }) => code)).toEqual(['refused', 'refused']);
  });

  it('because its number is taken begins another epoch, and keeps the report', async () => {
    const { sender, epochs, faults, sent, settle, pass, queue } = sending(1, [
      { kind: 'sequence-taken' },
      { kind: 'sequence-taken' },
      taken,
    ]);
    sender.more();
    await settle();
    expect([epochs.length, queue.length]).toEqual([1, 1]);
    await pass(10_000);
    expect(new Set(epochs).size).toBe(2);
    expect(sent.map(([atMs]) => atMs)).toEqual([0, 1_000, 3_000]);
    expect(faults.map(({ code }) => code)).toEqual(['new-epoch', 'new-epoch']);
  });

  it('because this desk may not report, waits until there is hope', async () => {
    const { sender, sent, settle, pass, add, faults } = sending(1, [{ kind: 'not-allowed', code: 'revoked' }, taken, taken]);
    sender.more();
    await settle();
    add();
    sender.more();
    await pass(24 * 60_000);
    expect([sent.length, sender.status().state]).toEqual([1, 'paused']);
    sender.kick();
    await settle();
    expect(sent).toHaveLength(3);
    expect(faults).toEqual([{ code: 'not-allowed', detail: 'revoked' }]);
  });

  it('because the outbox cannot be read is told and tried again', async () => {
    const { sender, sent, faults, settle, pass, breakOutbox } = sending(1, [taken]);
    breakOutbox(new Error('EIO'));
    sender.more();
    await settle();
    expect(faults).toEqual([{ code: 'unusable', detail: 'EIO' }]);
    breakOutbox(null);
    await pass(FIRST_BACKOFF_MS);
    expect(sent).toHaveLength(1);
  });
});

describe('stopping', () => {
  it('ends what is in flight, and nothing is sent any more', async () => {
    const { sender, sent, queue, settle, pass } = sending(2, ['hang']);
    sender.more();
    await settle();
    await sender.stop();
    sender.kick();
    sender.more();
    await pass(60 * 60_000);
    expect([sent.length, queue.length]).toEqual([1, 2]);
  });

  it('while it waits sends nothing', async () => {
    const { sender, sent, settle, pass } = sending(1, [retry]);
    sender.more();
    await settle();
    await sender.stop();
    await pass(60 * 60_000);
    expect(sent).toHaveLength(1);
  });
});
