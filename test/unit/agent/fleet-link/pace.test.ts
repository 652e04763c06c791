import { expect, it } from 'vitest';
import { heartbeatMs, refusedDocumentMs, restLeftMs, retryMs, ticketRestMs } from '../../../../agent/fleet-link/pace.ts';

const MINUTE_MS = 60_000;
const minutes = (of: (times: number) => number, times: readonly number[]) => times.map((one) => of(one) / MINUTE_MS);

it('grows each wait to its bound, and no further', () => {
  expect(minutes(ticketRestMs, [0, 1, 2, 3, 4, 5, 6, 7, 10_000])).toEqual([15, 15, 30, 60, 120, 240, 360, 360, 360]);
  expect(minutes(refusedDocumentMs, [1, 2, 5, 6, 10_000])).toEqual([15, 30, 240, 240, 240]);
  expect(minutes(retryMs, [1, 2, 3, 7, 8, 10_000])).toEqual([0.25, 0.5, 1, 15, 15, 15]);
  expect(minutes((failures) => heartbeatMs(true, failures), [0, 1, 2, 5, 6, 10_000])).toEqual([5, 0.25, 0.5, 4, 5, 5]);
  expect(minutes((failures) => heartbeatMs(false, failures), [0, 1, 2, 3, 4, 10_000])).toEqual([0.25, 0.25, 0.5, 1, 1, 1]);
});

it('keeps no rest that began in the future: the clock was set back since', () => {
  const nowMs = Date.parse('2026-01-01T12:00:00Z');
  expect(restLeftMs('2026-01-01T11:50:00Z', 15 * MINUTE_MS, nowMs)).toBe(5 * MINUTE_MS);
  expect(restLeftMs('2026-01-01T11:00:00Z', 15 * MINUTE_MS, nowMs)).toBe(0);
  expect(restLeftMs('2027-01-01T00:00:00Z', 15 * MINUTE_MS, nowMs)).toBe(0);
});
