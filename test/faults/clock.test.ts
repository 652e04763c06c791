import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { toolPath } from '../../build/debian-tools.ts';
import { Identity } from '../../contracts/identity.ts';
import type { RunningDaemon } from '../e2e/gate/enforced-desk.ts';
import { shippedCli } from '../e2e/shipped-cli.ts';
import { cannot, endedAs, faults, isFull, newDice } from './fault.ts';
import { countsOn, eventually, faultsIn, newBoot, standingsIn, withFaultDesk } from './fault-desk.ts';

const TEST_MS = 150_000;
const HOUR_S = 60 * 60;
const DAY_S = 24 * HOUR_S;
/** The clocks are compared every 5 s. */
const NOTICED_MS = 7_000;
const SETTLED_MS = 4_000;
/** Of the looks and verdicts that follow a jump. */
const WATCHED_MS = isFull ? 30_000 : NOTICED_MS;

interface MovableClock {
  env: Record<string, string>;
  set(offsetS: number): Promise<void>;
}

/** A wall clock that can be moved while programs run; the monotonic one stays true, as in a sleep that it does not see. */
async function movableClock(file: string): Promise<MovableClock> {
  const set = (offsetS: number) => writeFile(file, `${offsetS < 0 ? '' : '+'}${offsetS}\n`);
  await set(0);
  const env = {
    LD_PRELOAD: toolPath('libfaketime'),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  };
  return { env, set };
}

const underClock = ({ env }: MovableClock) => [
  '/usr/bin/env',
  ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
  ...shippedCli,
];

const bothWays = [
  ['forward', DAY_S],
  ['back', -DAY_S],
] as const;
const dice = newDice();
const jumps = isFull ? bothWays : [dice.pick(bothWays)];

const linesOf = (daemon: RunningDaemon, event: string) => daemon.log().filter((line) => line.event === event);

describe.skipIf(cannot).concurrent(faults('the clock'), () => {
  it.for(jumps)('wall clock jumps %s by a day, and returns', { timeout: TEST_MS }, async ([, offsetS], context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      const clock = await movableClock(path.join(desk.lab.dir, 'clock'));
      const daemon = await desk.startClear(underClock(clock));

      async function jump(toS: number, standing: string, gate: string): Promise<void> {
        const [verdicts, gates] = [linesOf(daemon, 'verdict').length, linesOf(daemon, 'gate').length];
        await clock.set(toS);
        await delay(WATCHED_MS);
        expect(linesOf(daemon, 'verdict').slice(verdicts)).toEqual([]);
        const states = linesOf(daemon, 'gate').slice(gates);
        expect(states.filter(({ state }) => state !== gate)).toEqual([]);
        expect((await desk.snapshot()).verdict?.standing).toBe(standing);
      }

      await jump(offsetS, 'clear', 'open');
      await desk.breakCanary();
      await desk.shut();
      await jump(0, 'blocked', 'closed');
      await desk.mendCanary();
      await desk.reopened();
      const reports = await eventually('told', desk.reports, (all) => all.at(-1)?.report.verdict.standing === 'clear');
      expect(countsOn(reports)).toBe(true);
      expect(new Set(reports.map(({ epoch }) => epoch)).size).toBe(1);
      expect((await desk.fleetState()).requests['POST /device/v1/renew']).toBeUndefined();
      expect(faultsIn(daemon)).toEqual([]);
      await daemon.stop();
      endedAs(context, 'clear: moved; blocked: moved back', 'no other verdict, no other gate; reports in order; no renewal');
    });
  });

  it('suspend for an hour', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      const clock = await movableClock(path.join(desk.lab.dir, 'clock'));
      await desk.publish((file) => {
        const [rule] = file.rules as object[];
        file.rules = [{ ...rule, everyMs: 4 * HOUR_S * 1_000, graceMs: 10 * 60_000 }];
      });
      const daemon = await desk.startClear(underClock(clock));
      // The lab's own network may still be settling, which is looked at too.
      for (let before = -1; before !== linesOf(daemon, 'trigger').length; await delay(SETTLED_MS))
        before = linesOf(daemon, 'trigger').length;
      await desk.breakCanary();
      await delay(2_000);
      expect((await desk.snapshot()).verdict?.standing).toBe('clear');
      const wokenMs = performance.now();
      await clock.set(HOUR_S);
      const looked = await desk.until('looked at', ({ verdict }) => verdict?.standing !== 'clear', NOTICED_MS + 3_000);
      const tookMs = performance.now() - wokenMs;
      expect(linesOf(daemon, 'trigger').map(({ because }) => because)).toContain('wake');
      // The grace is of time awake.
      expect([looked.verdict?.standing, looked.gate.state]).toEqual(['caution', 'open']);
      await delay(NOTICED_MS);
      expect((await desk.snapshot()).verdict?.standing).toBe('caution');
      await daemon.stop();
      const seconds = (tookMs / 1_000).toFixed(1);
      endedAs(context, 'wall clock 1 h ahead, monotonic clock not', `looked at ${seconds} s after; a grace of 10 min goes on`);
    });
  });

  it('30 days powered off', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    const dir = await mkdtemp(path.join(tmpdir(), 'dw-clock-'));
    const clock = await movableClock(path.join(dir, 'clock'));
    const body = withFaultDesk(
      async (desk) => {
        const identity = async () => Identity.parse(JSON.parse(await readFile(path.join(desk.stateDir, 'identity.json'), 'utf8'))).enrolled;
        const first = await desk.startClear();
        const before = await identity();
        await first.stop();
        await clock.set(30 * DAY_S);
        await newBoot(desk);
        await desk.breakCanary();
        const daemon = await desk.startDaemon();
        await desk.shut();
        const after = await eventually('renewed', identity, (one) => one?.certificate !== before?.certificate);
        expect([after?.device, after?.key]).toEqual([before?.device, before?.key]);
        const reports = await eventually('told', desk.reports, (all) => all.at(-1)?.report.verdict.standing === 'blocked');
        expect(countsOn(reports)).toBe(true);
        const { devices, requests } = await desk.fleetState();
        expect([devices.length, requests['POST /device/v1/enrol'], requests['POST /device/v1/renew']]).toEqual([1, 1, 1]);
        const standings = standingsIn(daemon);
        await daemon.stop();
        endedAs(context, 'fleet and desk 30 days on, another boot', `same device and key, one renewal; ${standings.join(', ')}; closed`);
      },
      { env: clock.env },
    );
    await body.finally(() => rm(dir, { recursive: true }));
  });
});
