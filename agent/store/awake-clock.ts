import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../checks/host.ts';
import { AwakeBase } from '../../contracts/state.ts';

const BOOT_ID_PATH = '/proc/sys/kernel/random/boot_id';

/** Smaller differences of the two clocks are a slewed wall clock (NTP: at most 500 ppm), or a late timer. */
const WAKE_GAP_MS = 5_000;

/**
 * Milliseconds since some point of this boot. On Linux it stands still while the computer sleeps: `process.hrtime` is
 * libuv's `uv_hrtime`, which reads CLOCK_MONOTONIC, and clock_gettime(2) has only CLOCK_BOOTTIME run during suspend.
 * On macOS (mach_continuous_time since libuv 1.38.1, libuv pull request 2894) and on Windows (QueryPerformanceCounter)
 * it runs on: there a sleep counts as time awake.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The kernel's id of this boot; where there is none, one for this process, so that every start counts as a boot. */
export async function readBootId(path = BOOT_ID_PATH): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const bootId = AwakeBase.shape.bootId.safeParse(text.trim());
  return bootId.success ? bootId.data : randomUUID();
}

export interface AwakeClock {
  /** Never goes back, not even over a boot: it goes on from where it was saved, and the time between counts for nothing. */
  awakeMs(): number;
  /** What to save, so that the next start goes on from here. */
  base(): AwakeBase;
  /** A state of the same boot was saved by a clock that this one continues, downtime of the daemon included. */
  isSameBoot(state: AwakeBase): boolean;
}

export interface AwakeClockSettings {
  saved: AwakeBase | null;
  bootId: string;
  monotonicMs: () => number;
}

export function openAwakeClock({ saved, bootId, monotonicMs }: AwakeClockSettings): AwakeClock {
  const startedMs = monotonicMs();
  // A clock that went back within one boot id is another one: a container restored, or a time namespace.
  const isSameBoot = (state: AwakeBase) => state.bootId === bootId && state.monotonicMs <= monotonicMs();
  let offsetMs = 0;
  if (saved) offsetMs = saved.awakeMs - (isSameBoot(saved) ? saved.monotonicMs : startedMs);
  const base = () => {
    const nowMs = monotonicMs();
    return { bootId, monotonicMs: nowMs, awakeMs: offsetMs + nowMs };
  };
  return { awakeMs: () => base().awakeMs, base, isSameBoot };
}

export interface WakeWatch {
  everyMs: number;
  /** How much further the wall clock went than the monotonic one. */
  onWake: (gapMs: number) => void;
  clock: Pick<Clock, 'wallMs' | 'monotonicMs'>;
}

/**
 * Tells of a wake at most `everyMs` after it. False positive: a wall clock set forward looks the same. Missed: a sleep
 * during which the wall clock was set back by as much, and every sleep where the monotonic clock runs on in it (macOS,
 * Windows). Returns what ends the watch.
 */
export function watchForWake({ everyMs, onWake, clock }: WakeWatch): () => void {
  const aheadMs = () => clock.wallMs() - clock.monotonicMs();
  let beforeMs = aheadMs();
  const timer = setInterval(() => {
    const nowMs = aheadMs();
    const gapMs = nowMs - beforeMs;
    beforeMs = nowMs;
    if (gapMs >= WAKE_GAP_MS) onWake(gapMs);
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
