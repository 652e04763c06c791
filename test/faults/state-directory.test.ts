import { setTimeout as delay } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { cannot, endedAs, faults } from './fault.ts';
import { countsOn, eventually, type FaultDesk, faultsIn, isHeld, newBoot, withFaultDesk } from './fault-desk.ts';

const TEST_MS = 180_000;
/** Of a report that could not be stored, with room to spare. */
const STORE_AGAIN_MS = 25_000;

/** The state directory becomes a disk of its own, so that filling it harms nobody. */
async function onSmallDisk({ sh, stateDir }: FaultDesk): Promise<void> {
  await sh(
    `cp -a ${stateDir} ${stateDir}.kept; mount -t tmpfs -o size=512k,mode=0700 tmpfs ${stateDir}; cp -a ${stateDir}.kept/. ${stateDir}`,
  );
}

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

describe.skipIf(cannot).concurrent(faults('the state directory'), () => {
  it('disk full', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      await onSmallDisk(desk);
      const daemon = await desk.startClear();
      await eventually('reported', desk.reports, (reports) => reports.length > 0);
      await desk.sh(`dd if=/dev/zero of=${desk.stateDir}/ballast bs=4k 2>&1 || true`);
      await desk.breakCanary();
      const { enforcers } = await desk.shut();
      expect(enforcers.filter(({ state }) => !isHeld.has(state))).toEqual([]);
      expect(await desk.agentReachesCcp()).toBe(false);
      await desk.mendCanary();
      await desk.reopened();
      expect(await desk.agentReachesCcp()).toBe(true);
      await desk.breakCanary();
      await desk.shut();
      await eventually(
        'told',
        async () => faultsIn(daemon),
        (told) => told.some((fault) => /^state not saved: .*ENOSPC/.test(fault)),
      );
      const told = faultsIn(daemon).length;
      await delay(4_000);
      // Not with every save that fails.
      expect(faultsIn(daemon).length - told).toBeLessThan(4);

      const before = (await desk.reports()).length;
      await desk.sh(`rm ${desk.stateDir}/ballast`);
      const after = await eventually(
        'told in full',
        desk.reports,
        (all) => all.slice(before).some(({ report }) => report.scope === 'full'),
        STORE_AGAIN_MS,
      );
      expect(after.at(-1)?.report.verdict.standing).toBe('blocked');
      expect(countsOn(after)).toBe(true);
      await desk.mendCanary();
      await desk.reopened();
      expect(await daemon.stop()).toBe(0);
      expect(await desk.sh(`grep -c deskwarden ${desk.stateDir}/ledger.json || true`)).toBe('0\n');
      endedAs(
        context,
        'state directory filled to the last page; block, open, block; room again',
        'closed and opened as decided; told; a full report once there was room',
      );
    });
  });

  it('read-only state directory, at start and while the daemon runs', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      const { stateDir } = desk;
      const toReadOnly = () => desk.sh(`mount --bind ${stateDir} ${stateDir}; mount -o remount,bind,ro ${stateDir}`);
      await toReadOnly();
      const { code, stderr } = await desk.cli('daemon');
      expect([code, stderr]).toEqual([71, expect.stringMatching(/read-only/)]);
      expect(stderr).toContain(stateDir);
      expect((await desk.cli('gate', 'agent-loss')).code).toBe(0);
      expect(await desk.agentReachesCcp()).toBe(true);
      await desk.sh(`umount ${stateDir}`);

      const daemon = await desk.startClear();
      await toReadOnly();
      await desk.breakCanary();
      await desk.shut();
      expect(await desk.agentReachesCcp()).toBe(false);
      await eventually(
        'told',
        async () => faultsIn(daemon),
        (told) => told.some((fault) => /^state not saved: .*EROFS/.test(fault)),
      );
      await desk.sh(`umount ${stateDir}`);
      await desk.mendCanary();
      await desk.reopened();
      await daemon.stop('SIGKILL');
      const next = await desk.startClear();
      await eventually('reported', desk.reports, (reports) => reports.at(-1)?.report.verdict.standing === 'clear');
      expect(faultsIn(next).filter((fault) => /set aside/.test(fault))).toEqual([]);
      await next.stop();
      endedAs(
        context,
        'started on it; a read-only mount over it, block; writable again',
        'exit 71, a message, the gate open; closed as decided and told, open again',
      );
    });
  });

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
