import { expect, it } from 'vitest';
import { createFaultTeller, type ToldFault } from '../../../../agent/local-api/socket-fault.ts';
import { createCallRate } from '../../../../contracts/local-link/call-rate.ts';

it('tells each kind of each user at once, and then how often', () => {
  let nowMs = 0;
  const told: ToldFault[] = [];
  const tell = createFaultTeller(
    1_000,
    () => nowMs,
    (fault) => told.push(fault),
  );
  const times = (code: 'idle' | 'bad-frame', uid: number, count: number) => {
    for (let index = 0; index < count; index += 1) tell({ code, uid, detail: '' });
  };
  times('idle', 1000, 500);
  times('idle', 1001, 1);
  times('bad-frame', 1000, 2);
  nowMs = 999;
  times('idle', 1000, 1);
  nowMs = 1_000;
  times('idle', 1000, 3);
  nowMs = 2_000;
  times('idle', 1000, 1);
  expect(told.map(({ code, uid, times }) => [code, uid, times])).toEqual([
    ['idle', 1000, 1],
    ['idle', 1001, 1],
    ['bad-frame', 1000, 1],
    ['idle', 1000, 501],
    ['idle', 1000, 3],
  ]);
});

it('lets a burst through, then the rate, and saves up no more than a burst', () => {
  let nowMs = 0;
  const mayCall = createCallRate(10, 3, () => nowMs);
  const passing = (count: number) => Array.from({ length: count }, mayCall).filter(Boolean).length;
  expect(passing(5)).toBe(3);
  nowMs = 100;
  expect(passing(5)).toBe(1);
  nowMs = 60_000;
  expect(passing(5)).toBe(3);
});
