import { describe, it } from 'vitest';
import { toolPath } from '../../build/debian-tools.ts';
import type { EnforcerStatus } from '../../contracts/enforcer.ts';
import { cannot, endedAs, faults, isFull, newDice } from './fault.ts';
import { eventually, type FaultDesk, isHeld, MANAGED, OWN_FILE, withFaultDesk } from './fault-desk.ts';

const TEST_MS = 120_000;
/** Somebody who takes away what closes the CCP has it open no longer. */
const BACK_WITHIN_MS = 10_000;

const allChanges = ['delete table inet deskwarden', 'flush table inet deskwarden', 'flush ruleset'];
const overrides = [
  ['later-file', { URLBlocklist: ['example.com'] }],
  ['foreign-allowlist', { URLAllowlist: ['.acme.my.connect.aws'] }],
] as const;
const dice = newDice();
const tried = isFull ? overrides : [dice.pick(overrides)];
const changes = isFull ? allChanges : [dice.pick(allChanges)];

const noteCodes = (enforcers: readonly EnforcerStatus[], name: string) =>
  enforcers
    .filter(({ enforcer }) => enforcer === name)
    .flatMap(({ targets }) => targets.flatMap(({ notes }) => notes.map(({ code }) => code)));

async function gateStatus(desk: FaultDesk): Promise<{ code: number; enforcers: EnforcerStatus[] }> {
  const { code, stdout } = await desk.cli('gate', 'status', '--json');
  return { code, enforcers: (JSON.parse(stdout) as { enforcers: EnforcerStatus[] }).enforcers };
}

/** How long until it is so again, in seconds with one digit. */
async function backWithin(what: string, isSo: () => Promise<boolean>): Promise<string> {
  const goneMs = performance.now();
  await eventually(what, isSo, Boolean, BACK_WITHIN_MS);
  return `${((performance.now() - goneMs) / 1_000).toFixed(1)} s`;
}

describe.skipIf(cannot).concurrent(faults('meddling'), () => {
  it('MDM file that overrides ours', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      const daemon = await desk.startClear();
      await desk.breakCanary();
      await desk.shut();
      for (const [note, policy] of tried) {
        await desk.sh(`printf '%s' '${JSON.stringify(policy)}' > ${MANAGED}/zzz-mdm.json`);
        const { enforcers } = await desk.until(note, (seen) => noteCodes(seen.enforcers, 'browser-policy').includes(note));
        expect(enforcers.find(({ enforcer }) => enforcer === 'browser-policy')?.state).toBe('conflict');
        // The other enforcer holds.
        expect(await desk.agentReachesCcp()).toBe(false);
        const told = await gateStatus(desk);
        expect([told.code, noteCodes(told.enforcers, 'browser-policy')]).toEqual([1, expect.arrayContaining([note])]);
        await desk.sh(`rm ${MANAGED}/zzz-mdm.json`);
        await desk.until('no conflict', (seen) => seen.enforcers.every(({ state }) => isHeld.has(state)));
      }
      await eventually('reported', desk.reports, (all) =>
        all.some(({ report }) =>
          report.gate.enforcers.some(({ enforcer, state }) => enforcer === 'browser-policy' && state === 'conflict'),
        ),
      );
      await daemon.stop();
      endedAs(
        context,
        `zzz-mdm.json: ${tried.map(([note]) => note).join(', ')}`,
        'conflict in status, `gate status` (exit 1) and report; the network stays closed',
      );
    });
  });

  it('somebody deletes our file and flushes our table', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      const daemon = await desk.startClear();
      await desk.breakCanary();
      await desk.shut();
      const isToldOf = (name: string) => () =>
        daemon
          .log()
          .some(
            ({ event, enforcers }) => event === 'enforcers' && noteCodes(enforcers as EnforcerStatus[], name).includes('changed-by-other'),
          );
      expect([isToldOf('browser-policy')(), isToldOf('egress')()]).toEqual([false, false]);

      const ours = await desk.sh(`cat ${OWN_FILE}`);
      await desk.sh(`rm ${OWN_FILE}`);
      const file = await backWithin('the file', async () => (await desk.sh(`cat ${OWN_FILE} 2>&1 || true`)) === ours);
      const table = [];
      for (const change of changes) {
        await desk.sh(`${toolPath('nft')} ${change}`);
        table.push(await backWithin(change, async () => !(await desk.agentReachesCcp())));
      }
      await eventually('told', async () => isToldOf('browser-policy')() && isToldOf('egress')(), Boolean);
      await daemon.stop();
      endedAs(
        context,
        `rm; nft ${changes.join(', ')}`,
        `file back after ${file}, table after ${table.join(', ')}; changed-by-other in the log`,
      );
    });
  });
});
