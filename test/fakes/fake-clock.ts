import type { Clock } from '../../checks/host.ts';

export interface FakeClock extends Clock {
  /** Both clocks go on. */
  advance(ms: number): void;
  /** The wall clock alone is set, as by NTP or by hand. */
  setWall(wallMs: number): void;
}

export function fakeClock(startIso = '2026-01-01T00:00:00.000Z', startMonotonicMs = 0): FakeClock {
  let wallMs = Date.parse(startIso);
  let monotonicMs = startMonotonicMs;
  return {
    wallMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    advance(ms) {
      wallMs += ms;
      monotonicMs += ms;
    },
    setWall(ms) {
      wallMs = ms;
    },
  };
}
