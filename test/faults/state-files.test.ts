import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'vitest';
import type { Snapshot } from '../../contracts/local-api.ts';
import { shippedCli } from '../e2e/shipped-cli.ts';
import { cannot, type Dice, endedAs, faults, isFull, newDice } from './fault.ts';
import { atOnce, countsOn, eventually, type FaultDesk, faultsIn, isHeld, OWN_FILE, withFaultDesk } from './fault-desk.ts';

/** Of each file. */
const ROUNDS = isFull ? 12 : 1;
/** Whose loss costs least. */
const LESSER = /daemon|keys|waivers/;
const TEST_MS = 60_000 + ROUNDS * 60_000;

interface Damage {
  says: string;
  bytes: Buffer;
}

const damages: readonly ((bytes: Buffer, dice: Dice) => Damage)[] = [
  (bytes, dice) => {
    const at = dice.below(bytes.length);
    return { says: `cut at ${at} of ${bytes.length}`, bytes: bytes.subarray(0, at) };
  },
  (bytes, dice) => {
    const [from, count] = [dice.below(bytes.length), 1 + dice.below(64)];
    const spoilt = Buffer.from(bytes);
    for (let at = from; at < Math.min(bytes.length, from + count); at++) spoilt[at] = dice.below(256);
    return { says: `${count} random bytes at ${from} of ${bytes.length}`, bytes: spoilt };
  },
  (bytes, dice) => {
    // Still text, and mostly still JSON: what only a closer look finds out.
    const at = dice.below(bytes.length);
    const spoilt = Buffer.from(bytes);
    spoilt[at] = 'AZaz09'.charCodeAt(dice.below(6));
    return { says: `one other character at ${at} of ${bytes.length}`, bytes: spoilt };
  },
  (bytes, dice) => ({ says: 'random bytes alone', bytes: Buffer.from(Array.from({ length: bytes.length }, () => dice.below(256))) }),
];

/** A desk that is shut, with all that it may have on its disk; some of it was never heard by the fleet. */
async function furnish(desk: FaultDesk): Promise<string> {
  const daemon = await desk.startClear();
  await desk.fleet({ do: 'rotate', kid: 'fleet-2', revision: 1 });
  const { revision } = await desk.publish(atOnce);
  await desk.fleet({ do: 'publish', kind: 'waivers', revision: 1, body: { schema: 1, revision: 1, waivers: [] } });
  await desk.hurry();
  await desk.until('under the new key', ({ policy }) => policy.revision === revision);
  await desk.sh(`printf '00000000\n' | ${shippedCli.join(' ')} gate release --code || true`);
  await desk.fleet({ do: 'down' });
  await desk.breakCanary();
  await desk.shut();
  await desk.until('with something to tell', ({ fleet }) => fleet.waitingReports > 0);
  await daemon.stop('SIGKILL');
  await desk.fleet({ do: 'up' });
  const golden = `${desk.stateDir}.golden`;
  await cp(desk.stateDir, golden, { recursive: true });
  return golden;
}

/** Every file of the state, but for those that say nothing once the daemon is dead. */
async function filesOf(dir: string): Promise<string[]> {
  const found = await readdir(dir, { recursive: true, withFileTypes: true });
  return found.flatMap((one) => (one.isFile() ? [path.relative(dir, path.join(one.parentPath, one.name))] : [])).sort();
}

/** What a desk that could be helped comes to. */
const isShut = ({ verdict, gate, fleet, policy, enforcers }: Snapshot) =>
  fleet.state === 'enrolled' &&
  fleet.waitingReports === 0 &&
  policy.signed &&
  verdict?.standing === 'blocked' &&
  gate.state === 'closed' &&
  enforcers.every(({ wanted, state }) => wanted === 'closed' && isHeld.has(state));

const isNobodys = ({ gate, fleet, policy }: Snapshot) =>
  fleet.state === 'not-enrolled' && !policy.signed && gate.state === 'open' && gate.notActingBecause === 'not-enrolled';

/** One character of a certificate or a key makes somebody else of a desk: it obeys what it holds, and tells that nobody knows it. */
const isStranger = ({ gate, fleet, policy }: Snapshot) =>
  fleet.state === 'enrolled' && fleet.trouble !== null && fleet.heardAt === null && policy.signed && gate.state === 'closed';

describe.skipIf(cannot)(faults('state files'), () => {
  it('corrupt and truncated state files', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    const dice = newDice();
    const ends: Record<string, number> = {};
    await withFaultDesk(async (desk) => {
      const golden = await furnish(desk);
      const all = await filesOf(golden);
      const names = isFull ? all : all.filter((name) => !LESSER.test(name));
      expect(names).toEqual(
        expect.arrayContaining(['identity.json', 'ledger.json', 'release.json', 'verdict.json', 'documents/policy.json']),
      );
      const { length: rounds } = names;
      for (let n = 0; n < rounds * ROUNDS; n++) {
        const name = names[n % rounds] ?? '';
        const damage = (isFull ? dice.pick(damages) : damages[n % damages.length]) ?? dice.pick(damages);
        const { says, bytes } = damage(await readFile(path.join(golden, name)), dice);
        const what = `seed ${dice.seed}: ${name}: ${says}`;
        await rm(desk.stateDir, { recursive: true });
        await cp(golden, desk.stateDir, { recursive: true });
        await writeFile(path.join(desk.stateDir, name), bytes);
        const daemon = await desk.startDaemon();
        const end = await desk.until(
          `${what}: in a state of these`,
          (seen) => isShut(seen) || (name === 'identity.json' && (isNobodys(seen) || isStranger(seen))),
        );
        expect(daemon.process.exitCode, what).toBeNull();
        const told = faultsIn(daemon).filter((fault) => fault.startsWith('state set aside: '));
        const isJson = name.endsWith('.json');
        if (isJson && /cut|alone/.test(says)) expect(told, what).toContainEqual(expect.stringContaining(path.join(desk.stateDir, name)));
        await eventually(
          `${what}: held as told`,
          async () => {
            const { gate } = await desk.snapshot();
            return (await desk.agentReachesCcp()) === (gate.state === 'open');
          },
          Boolean,
        );
        expect(countsOn((await desk.reports()).map(({ epoch, seq }) => ({ epoch, seq }))), what).toBe(true);
        if (name === 'ledger.json') {
          await desk.mendCanary();
          await desk.reopened();
          expect(await desk.agentReachesCcp(), what).toBe(true);
          expect(await desk.sh(`ls ${OWN_FILE} 2>&1 || true`), what).toMatch(/No such file/);
          await desk.breakCanary();
        }
        const kept = `${name} ${told.length > 0 ? 'set aside' : 'taken'}, ${end.fleet.state}, ${end.gate.state}`;
        ends[kept] = (ends[kept] ?? 0) + 1;
        await daemon.stop('SIGKILL');
      }
    });
    const ended = Object.entries(ends).map(([end, times]) => `${end}: ${times}`);
    endedAs(context, `each file damaged ${ROUNDS} times, seed ${dice.seed}`, ended.join('; '));
  });
});
