import { describe, it } from 'vitest';
import { cannot, endedAs, faults } from './fault.ts';
import { countsOn, eventually, type FaultDesk, newBoot, withFaultDesk } from './fault-desk.ts';

const TEST_MS = 120_000;

/** Blocked and clear again, each told to the fleet. */
async function toAndFro(desk: FaultDesk): Promise<void> {
  const isTold = (standing: string) =>
    eventually(`told as ${standing}`, desk.reports, (reports) => reports.at(-1)?.report.verdict.standing === standing, 30_000);
  await desk.breakCanary();
  await desk.shut();
  await isTold('blocked');
  await desk.mendCanary();
  await desk.reopened();
  await isTold('clear');
}

/** The state directory is as it was before the last reports. */
async function rollBack(desk: FaultDesk): Promise<void> {
  const { stateDir, sh } = desk;
  const first = await desk.startClear();
  await toAndFro(desk);
  await first.stop('SIGKILL');
  await sh(`cp -a ${stateDir} ${stateDir}.snapshot`);
  const second = await desk.startClear();
  await toAndFro(desk);
  await second.stop('SIGKILL');
  await sh(`rm -r ${stateDir}; mv ${stateDir}.snapshot ${stateDir}`);
}

describe.skipIf(cannot).concurrent(faults('snapshots'), () => {
  it('VDI snapshot rolled back, another boot', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      await rollBack(desk);
      const before = await desk.reports();
      await newBoot(desk);
      const daemon = await desk.startClear();
      await toAndFro(desk);
      const after = await desk.reports();
      const anew = new Set(after.slice(before.length).map(({ epoch }) => epoch));
      expect(before.map(({ epoch }) => epoch).filter((epoch) => anew.has(epoch))).toEqual([]);
      expect(anew.size).toBe(1);
      expect(countsOn(after)).toBe(true);
      expect(await desk.fleetState()).toMatchObject({ sequencesTaken: 0 });
      await daemon.stop();
      endedAs(context, 'state copied, run on, old copy put back, another boot id', 'a new epoch; no number given twice');
    });
  });

  it('state directory rolled back within a boot', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      await rollBack(desk);
      const before = await desk.reports();
      const daemon = await desk.startClear();
      await toAndFro(desk);
      const { sequencesTaken } = await desk.fleetState();
      expect(sequencesTaken).toBeGreaterThan(0);
      const after = await desk.reports();
      expect(countsOn(after)).toBe(true);
      expect(after.slice(before.length).map(({ report }) => report.verdict.standing)).toEqual(expect.arrayContaining(['blocked', 'clear']));
      await desk.until('all sent', ({ fleet }) => fleet.waitingReports === 0);
      await daemon.stop();
      endedAs(context, 'state copied, run on, old copy put back', `the fleet refused ${sequencesTaken} numbers; a new epoch, nothing lost`);
    });
  });
});
