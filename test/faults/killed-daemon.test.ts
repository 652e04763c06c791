import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { describe, it } from 'vitest';
import { repoRoot } from '../../build/repo.ts';
import type { Report } from '../../contracts/report.ts';
import { asAgent, type EnforcedDesk, withEnforcedDesk } from '../e2e/gate/enforced-desk.ts';
import { cannot, endedAs, faults, newDice } from './fault.ts';
import { openCanaries, restlessRules } from './killed-daemon-canary.ts';
import { type Attempt, openingsIn, type Shut, shutIn } from './killed-daemon-gate.ts';
import { type LivingDaemon, startLife, throwInstant } from './killed-daemon-life.ts';
import { faultsOfReports, reportsOnDisk, stateByReports, stateOfDesk } from './killed-daemon-reports.ts';

const KILLS = Number(process.env.DESKWARDEN_KILLS ?? 7);
/** Of the agent, while the gate had to be shut: fewer prove nothing. */
const ENOUGH_TRIES = KILLS * 5;
/** Chance may mend the canaries early each time: then a few kills more, and so many at most. */
const MOST_KILLS = KILLS * 3;
const TEST_MS = 120_000 + KILLS * 15_000;
const SETTLE_MS = 30_000;
/** Of one killed writer each: they are removed at the next start. */
const MOST_LEFTOVERS = 4;
/** `verdict.json` and `release.json` are first written later. */
const MOST_NEW_FILES = 2;
const MOST_SEGMENTS = 3;

/** Of the fleet to the next report: well; taken, and the answer lost; none while the daemon lives; not now. */
const answers = [null, null, { does: 'cut' }, { does: 'silent' }, { does: 'status', status: 503 }] as const;

describe.skipIf(cannot)(faults('the daemon is killed'), () => {
  it(`at ${KILLS} instants under load`, { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    const dice = newDice();
    console.log(`DESKWARDEN_KILLS=${KILLS} DESKWARDEN_SEED=${dice.seed}`);
    await withEnforcedDesk(async (desk) => {
      // A bundle made meanwhile would take the chunks away that the next start has yet to load.
      const copy = path.join(desk.lab.dir, 'agent');
      await cp(path.join(repoRoot, 'dist', 'agent'), copy, { recursive: true });
      const cli = [process.execPath, path.join(copy, 'deskwarden.js')];
      const attempts: Attempt[] = [];
      const agent = startAgent(desk, attempts);
      const canaries = openCanaries(desk, attempts);
      await canaries.mend();
      const policy = await desk.publish(restlessRules);

      const lives: LivingDaemon[] = [];
      const live = async () => {
        const life = await startLife(desk, cli);
        lives.push(life);
        return life;
      };
      const stored = new Map<string, Report>();
      let leftovers = 0;
      const endOf = async (life: LivingDaemon) => {
        await life.end('SIGKILL');
        for (const report of await reportsOnDisk(path.join(desk.lab.dir, 'state', 'outbox'))) stored.set(report.id, report);
        leftovers = Math.max(leftovers, (await temporaryFiles(desk)).length);
      };

      // The first is killed behind a gate that it closed, so that even a few kills tell something.
      let life = await live();
      await desk.until('clear and open', ({ verdict, gate, policy: { revision } }) => {
        return revision === policy.revision && verdict?.standing === 'clear' && gate.acting && gate.state === 'open';
      });
      await until('the agent gets through', () => attempts.some(({ ended }) => ended === 'through'));
      const filesAtFirst = await ownFiles(desk);
      const flipping = new AbortController();
      const flipped = canaries.flip(newDice(dice.seed + 1), flipping.signal);
      await canaries.breakBoth();
      await until('the agent is refused', () => attempts.at(-1)?.ended === 'refused');

      const kills: string[] = [];
      const shutTimes = () => canaries.times.flatMap((time) => shutIn(time, lives, attempts) ?? []);
      const triesIn = (shuts: readonly Shut[]) =>
        shuts.flatMap(({ fromMs, untilMs }) => attempts.filter((one) => one.fromMs > fromMs && one.fromMs < untilMs));
      const isEnough = () => kills.length >= KILLS && triesIn(shutTimes()).length > ENOUGH_TRIES;
      while (!isEnough() && kills.length < MOST_KILLS) {
        const instant = throwInstant(dice);
        const [actMs, chance] = [dice.below(instant.line ? 1_000 : 3_000), dice.below(10)];
        await desk.fleet({ do: 'misbehave', path: '/device/v1/reports', how: dice.pick(answers), times: 1 });
        let act: Promise<void> = Promise.resolve();
        const acting = setTimeout(() => (act = canaries.goOn(chance)), actMs);
        await life.until(instant);
        await endOf(life);
        clearTimeout(acting);
        await act;
        kills.push(instant.name);
        life = await live();
      }

      flipping.abort();
      await flipped;
      await desk.fleet({ do: 'misbehave', path: '/device/v1/reports', how: null });
      await desk.until('up', ({ verdict }) => verdict !== null);
      const mendedMs = Date.now();
      await canaries.mend();
      await until('the agent gets through again', () => attempts.some((one) => one.fromMs > mendedMs && one.ended === 'through'));
      const accepted = async () => ((await desk.fleet({ do: 'reports' })) as { report: Report }[]).map(({ report }) => report);
      const deadlineMs = performance.now() + SETTLE_MS;
      let [snapshot, reports] = [await desk.snapshot(), await accepted()];
      const isSettled = () => {
        const isOpen = snapshot.gate.state === 'open' && snapshot.fleet.waitingReports === 0;
        return isOpen && isDeepStrictEqual(stateByReports(reports), stateOfDesk(snapshot));
      };
      while (!isSettled() && performance.now() < deadlineMs) [snapshot, reports] = [await desk.snapshot(), await accepted()];
      await life.end('SIGTERM');
      await agent.stop();

      const shuts = shutTimes();
      const openings = shuts.flatMap((shut) => openingsIn(shut, attempts).map((one) => ({ ...shut, ...one })));
      const killed = await Promise.all(lives.slice(0, -1).map(({ ended }) => ended));
      const told = lives.flatMap(({ lines }) =>
        lines.filter(({ event }) => event === 'fault').map(({ what, detail }) => `${what}: ${detail}`),
      );
      const { duplicates, sequencesTaken } = (await desk.fleet({ do: 'state' })) as { duplicates: number; sequencesTaken: number };
      const epochs = new Set(reports.map(({ epoch }) => epoch));
      const shutMs = shuts.reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0);
      const tried = triesIn(shuts);
      const row = [
        `${kills.length} kills (${tally(kills)})`,
        `gate shut ${shuts.length} times (${tally(shuts.map(({ because }) => because))}), ${Math.round(shutMs / 1_000)} s in all, ${openings.length} of ${tried.length} tries got through`,
        `${reports.length} reports in ${epochs.size} epochs, ${stored.size} seen stored, ${duplicates} sent twice`,
        `${leftovers} temporary files at most`,
      ].join('; ');
      console.log(row);
      for (const { fromMs, because } of openings.slice(0, 1)) console.log(`${because}\n${aroundMs(fromMs, lives)}`);
      endedAs(context, `SIGKILL at ${KILLS} instants, seed ${dice.seed}`, row);

      expect.soft(openings).toEqual([]);
      expect.soft(killed.filter(({ signal }) => signal !== 'SIGKILL')).toEqual([]);
      expect.soft(await life.ended).toEqual({ code: 0, signal: null });
      expect.soft(lives.flatMap(({ stderr }) => (stderr === '' ? [] : [stderr]))).toEqual([]);
      expect.soft(told).toEqual([]);
      expect.soft(faultsOfReports(reports, [...stored.values()])).toEqual([]);
      expect.soft([epochs.size, sequencesTaken]).toEqual([1, 0]);
      expect.soft(stateByReports(reports)).toEqual(stateOfDesk(snapshot));
      expect.soft(leftovers).toBeLessThanOrEqual(MOST_LEFTOVERS);
      expect.soft(await temporaryFiles(desk)).toEqual([]);
      expect.soft((await ownFiles(desk)).length).toBeLessThanOrEqual(filesAtFirst.length + MOST_NEW_FILES);
      expect.soft((await segments(desk)).length).toBeLessThanOrEqual(MOST_SEGMENTS);
      expect.soft(tried.length).toBeGreaterThan(ENOUGH_TRIES);
    });
  });
});

function startAgent(desk: EnforcedDesk, attempts: Attempt[]) {
  const program = path.join(repoRoot, 'test', 'faults', 'killed-daemon-agent.ts');
  const child = desk.spawn(asAgent([process.execPath, '--import', 'tsx', program]), { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => attempts.push(JSON.parse(line) as Attempt));
  const ended = once(child, 'exit');
  return {
    async stop() {
      child.stdin?.end();
      await ended;
    },
  };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + SETTLE_MS;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${SETTLE_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What the daemons did about then. */
function aroundMs(atMs: number, lives: readonly LivingDaemon[]): string {
  const about = (ms: number) => Math.abs(ms - atMs) < 10_000;
  return lives
    .filter(({ lines, endedMs }) => about(endedMs) || lines.some(({ at }) => about(Date.parse(at))))
    .flatMap(({ lines, saidClosedMs, endedMs, gateBefore }, n) => [
      `daemon ${n}: ${gateBefore} on the disk, said closed at ${saidClosedMs[0] ?? '-'}, ended at ${endedMs}, first opening at ${atMs}`,
      ...lines.map(({ at, ...rest }) => `${Date.parse(at) - atMs} ms ${JSON.stringify(rest).slice(0, 300)}`),
    ])
    .join('\n');
}

function tally(names: readonly string[]): string {
  return [...new Set(names)].map((name) => `${name} ${names.filter((one) => one === name).length}`).join(', ');
}

async function find(desk: EnforcedDesk, ...tests: string[]): Promise<string[]> {
  const dirs = ['state', 'run'].map((name) => path.join(desk.lab.dir, name));
  const { stdout } = await desk.exec(['/usr/bin/find', ...dirs, '/etc/chromium', '/etc/opt', '/etc/firefox', ...tests]);
  return stdout.split('\n').filter((name) => name !== '');
}

const temporaryFiles = (desk: EnforcedDesk) => find(desk, '-name', '*.tmp');
const segments = (desk: EnforcedDesk) => find(desk, '-name', 'segment-*');
const ownFiles = (desk: EnforcedDesk) => find(desk, '-type', 'f', '-not', '-name', 'segment-*');
