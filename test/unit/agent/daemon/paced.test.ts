import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { paced } from '../../../../agent/daemon/paced.ts';

const clock = { monotonicMs: () => performance.now() };
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('acts at once, then once for all that comes too soon, and loses nothing', () => {
  const done: [string, number][] = [];
  const ask = paced(5_000, clock, (what: string) => done.push([what, performance.now()]));
  const startMs = performance.now();
  ask('a');
  ask('b');
  ask('c');
  vi.advanceTimersByTime(4_999);
  ask('d');
  vi.advanceTimersByTime(1);
  vi.advanceTimersByTime(20_000);
  ask('e');
  expect(done.map(([what, atMs]) => [what, atMs - startMs])).toEqual([
    ['a', 0],
    ['b', 5_000],
    ['e', 25_000],
  ]);
});

it('a stop leaves nothing to come', () => {
  const done: string[] = [];
  const ask = paced(5_000, clock, (what: string) => done.push(what));
  ask('a');
  ask('b');
  ask.stop();
  vi.advanceTimersByTime(60_000);
  expect(done).toEqual(['a']);
});
