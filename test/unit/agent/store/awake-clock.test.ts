import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { monotonicMs, openAwakeClock, readBootId, watchForWake } from '../../../../agent/store/awake-clock.ts';
import { AwakeBase } from '../../../../contracts/state.ts';

const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-clock-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const thisBoot = '11111111-2222-4333-8444-555555555555';
const otherBoot = '99999999-2222-4333-8444-555555555555';

describe('the boot id', () => {
  it("is the kernel's, the same each time, where it can be read", async () => {
    const bootIdPath = path.join(root, 'boot_id');
    await writeFile(bootIdPath, `${thisBoot}\n`);
    expect(await readBootId(bootIdPath)).toBe(thisBoot);
  });

  it.each([
    ['is not there', path.join(root, 'nothing')],
    ['is no id', new URL(import.meta.url).pathname],
  ])('is a new one for this process where it %s', async (_name, bootIdPath) => {
    const [one, two] = [await readBootId(bootIdPath), await readBootId(bootIdPath)];
    expect(AwakeBase.shape.bootId.safeParse(one).success).toBe(true);
    expect(one).not.toBe(two);
  });
});

describe('the awake clock', () => {
  const saved: AwakeBase = { bootId: thisBoot, monotonicMs: 1_000, awakeMs: 5_000 };

  it.each([
    ['starts with the first boot', null, thisBoot, 700, { sameBoot: null, atStart: 700, later: 800 }],
    [
      'goes on after a restart of the daemon, its downtime included',
      saved,
      thisBoot,
      1_400,
      { sameBoot: true, atStart: 5_400, later: 5_500 },
    ],
    ['goes on after a boot from where it was saved', saved, otherBoot, 300, { sameBoot: false, atStart: 5_000, later: 5_100 }],
    ['counts no time of a boot before it started', saved, otherBoot, 90_000, { sameBoot: false, atStart: 5_000, later: 5_100 }],
    ['takes time that went back for another boot', saved, thisBoot, 300, { sameBoot: false, atStart: 5_000, later: 5_100 }],
  ])('%s', (_name, from, bootId, startMs, expected) => {
    let nowMs = startMs;
    const clock = openAwakeClock({ saved: from, bootId, monotonicMs: () => nowMs });
    const sameBoot = from && clock.isSameBoot(from);
    const atStart = clock.awakeMs();
    nowMs += 100;
    expect({ sameBoot, atStart, later: clock.awakeMs() }).toEqual(expected);
    expect(clock.base()).toEqual({ bootId, monotonicMs: nowMs, awakeMs: expected.later });
    expect(clock.isSameBoot(clock.base())).toBe(true);
  });

  it('never goes back over any restarts and boots, and its base can always be stored', () => {
    const step = fc.record({
      boot: fc.boolean(),
      startMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
      forMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        let base: AwakeBase | null = null;
        let nowMs = 0;
        let boots = 0;
        for (const { boot, startMs, forMs } of steps) {
          boots += boot ? 1 : 0;
          nowMs = boot ? startMs : nowMs;
          const clock = openAwakeClock({
            saved: base,
            bootId: thisBoot.slice(0, -2) + String(boots).padStart(2, '0'),
            monotonicMs: () => nowMs,
          });
          // Doubles of this size carry less than a microsecond of rounding.
          expect(clock.awakeMs()).toBeGreaterThanOrEqual((base?.awakeMs ?? 0) - 0.001);
          nowMs += forMs;
          base = AwakeBase.parse(clock.base());
        }
      }),
    );
  });

  it('runs on the monotonic clock of this computer', async () => {
    const clock = openAwakeClock({ saved: null, bootId: await readBootId(), monotonicMs });
    const before = clock.awakeMs();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(clock.awakeMs() - before).toBeGreaterThan(15);
  });
});

describe('the watch for a wake', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());

  function watched() {
    const now = { wallMs: 1_700_000_000_000, monotonicMs: 50_000 };
    const gaps: number[] = [];
    const stop = watchForWake({
      everyMs: 10_000,
      onWake: (gapMs) => gaps.push(gapMs),
      clock: { wallMs: () => now.wallMs, monotonicMs: () => now.monotonicMs },
    });
    /** One tick later, the clocks having gone so far. */
    const tick = (wallMs: number, monotonicMs = 10_000) => {
      now.wallMs += wallMs;
      now.monotonicMs += monotonicMs;
      vi.advanceTimersByTime(10_000);
    };
    return { tick, gaps, stop };
  }

  it.each([
    ['an hour asleep', [3_610_000], [3_600_000]],
    ['two sleeps', [70_000, 10_000, 130_000], [60_000, 120_000]],
    ['a day awake', Array<number>(8_640).fill(10_000), []],
    ['a wall clock slewed at 500 ppm for a day', Array<number>(8_640).fill(10_005), []],
    ['a short nap below the threshold', [14_000], []],
    ['a wall clock set forward by a day, a false positive', [86_410_000, 10_000], [86_400_000]],
    ['a wall clock set back by a day', [-86_390_000, 10_000], []],
    ['a sleep after the wall clock was set back', [-86_390_000, 70_000], [60_000]],
  ])('sees %s', (_name, wallSteps, expected) => {
    const { tick, gaps } = watched();
    for (const wallMs of wallSteps) tick(wallMs);
    expect(gaps).toEqual(expected);
  });

  it('takes a late timer for no sleep', () => {
    const { tick, gaps } = watched();
    tick(60_000, 60_000);
    expect(gaps).toEqual([]);
  });

  it('ends when told', () => {
    const { tick, gaps, stop } = watched();
    stop();
    tick(3_610_000);
    expect(gaps).toEqual([]);
  });
});
