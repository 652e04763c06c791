import { setTimeout as delay } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { cannot, endedAs, faults, isFull, newDice } from './fault.ts';
import { countsOn, eventually, type FaultDesk, rssOf, standingsIn, withFaultDesk } from './fault-desk.ts';

const TEST_MS = 300_000;
const CHANGES = isFull ? 12 : 2;
/** Longer than a burst of findings lasts, so that each change is told by itself. */
const APART_MS = 2_500;
const BAD_MS = isFull ? 10_000 : 3_500;
/** A report and a heartbeat, each with pauses that double, and twice again at once: the network changed, the fleet was heard. */
const MOST_ASKED = isFull ? 40 : 20;
/** The daemon at rest, and what 64 MB of a stranger's answer may move. */
const MOST_GROWN_BYTES = 48 * 1024 * 1024;

const badAnswers = {
  '500': { does: 'status', status: 500 },
  '429 with Retry-After': { does: 'status', status: 429, retryAfter: '4' },
  garbage: { does: 'garbage' },
  cut: { does: 'cut' },
  huge: { does: 'huge' },
  'a huge head': { does: 'huge-head' },
  'another shape': { does: 'wrong-shape' },
  'not HTTP': { does: 'not-http' },
  slowly: { does: 'slow' },
  never: { does: 'silent' },
} as const;
const dice = newDice();
const names = Object.keys(badAnswers) as (keyof typeof badAnswers)[];
const first = dice.below(names.length);
/** Two of them, neighbours of the list. */
const tried = isFull ? names : [...names, ...names].slice(first, first + 2);

async function toAndFro(desk: FaultDesk): Promise<void> {
  await desk.breakCanary();
  await desk.shut();
  await delay(APART_MS);
  await desk.mendCanary();
  await desk.reopened();
  await delay(APART_MS);
}

const changesOf = (told: readonly string[]) => told.filter((standing, index) => standing !== told[index - 1]);

describe.skipIf(cannot).concurrent(faults('the fleet'), () => {
  it('fleet down while much changes', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      const daemon = await desk.startClear();
      await eventually('told', desk.reports, (all) => all.at(-1)?.report.verdict.standing === 'clear');
      const before = (await desk.reports()).length;
      await desk.fleet({ do: 'down' });
      const downMs = Date.now();
      for (let n = 0; n < CHANGES; n++) await toAndFro(desk);
      const { waitingReports } = (await desk.snapshot()).fleet;
      expect(waitingReports).toBeGreaterThanOrEqual(2 * CHANGES);
      await desk.fleet({ do: 'up' });
      // In a full run it finds out by itself.
      if (!isFull) await desk.hurry();
      await desk.until('all sent', ({ fleet }) => fleet.waitingReports === 0, 120_000);
      const reports = await desk.reports();
      expect(countsOn(reports)).toBe(true);
      const made = reports.map(({ report }) => Date.parse(report.madeAt));
      expect(made).toEqual([...made].sort((a, b) => a - b));
      const told = reports.slice(before).map(({ report }) => report.verdict.standing);
      expect(changesOf(['clear', ...told])).toEqual(['clear', ...standingsIn(daemon, downMs)]);
      expect((await desk.fleetState()).sequencesTaken).toBe(0);
      await daemon.stop();
      endedAs(context, `down for ${2 * CHANGES} changes`, `${waitingReports} reports waited and arrived in order, every change told`);
    });
  });

  for (const name of tried) {
    it(`fleet answers ${name}`, { timeout: TEST_MS }, async (context) => {
      const { expect } = context;
      await withFaultDesk(async (desk) => {
        const daemon = await desk.startClear();
        await eventually('told', desk.reports, (all) => all.at(-1)?.report.verdict.standing === 'clear');
        const rss = await rssOf(daemon);
        await desk.fleet({ do: 'misbehave', path: '*', how: badAnswers[name] });
        await desk.breakCanary();
        await desk.shut();
        await delay(APART_MS);
        await desk.hurry();
        await delay(BAD_MS);
        const askedMs = performance.now();
        expect(await desk.snapshot()).toMatchObject({ verdict: { standing: 'blocked' }, gate: { state: 'closed' } });
        expect(performance.now() - askedMs).toBeLessThan(5_000);
        const grownBytes = (await rssOf(daemon)) - rss;
        expect(grownBytes).toBeLessThan(MOST_GROWN_BYTES);
        await desk.fleet({ do: 'misbehave', path: '*', how: null });
        const asked = (await desk.fleetState()).misbehaved;
        expect(asked).toBeGreaterThan(0);
        expect(asked).toBeLessThan(MOST_ASKED);
        // In a full run what is under way is left to its deadline.
        if (!isFull) {
          await desk.fleet({ do: 'down' });
          await desk.fleet({ do: 'up' });
        }
        await desk.hurry();
        const reports = await eventually('told', desk.reports, (all) => all.at(-1)?.report.verdict.standing === 'blocked', 120_000);
        expect(countsOn(reports)).toBe(true);
        await desk.until('heard', ({ fleet }) => fleet.trouble === null && fleet.waitingReports === 0, 120_000);
        await daemon.stop();
        endedAs(
          context,
          `so to everything for ${Math.round((APART_MS + BAD_MS) / 1_000)} s`,
          `closed as decided; ${asked} requests, ${(grownBytes / 1_048_576).toFixed(0)} MB more; told afterwards`,
        );
      });
    });
  }
});
