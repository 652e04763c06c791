import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { joinEmbedded } from '../../../fleet/db/embedded.ts';
import { newDice } from '../../faults/fault.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { openPlace } from './fleet-life.ts';
import { kill, startInstantMs, throwKills } from './kills.ts';
import { filesOf, processesOf, sharedMemoryOf, stillShared } from './leftovers.ts';
import { startDesks } from './reporting-desks.ts';
import { effectsDue, effectsIn, keysOf } from './stored-effects.ts';
import { tally } from './tally.ts';

const KILLS = Number(process.env.DESKWARDEN_KILLS ?? 6);
const DESKS = 8;
const HANG_UP_EVERY = 5;
/** Between two kills, so that each of them hits reports. */
const REPORTS = 20;
/** What a desk may hear while servers and databases come and go. Never that something is wrong with it, or with its report. */
const expected = new Set(['stored', 'unavailable', 'offline', 'refused', 'timed-out', 'tls-failed', 'stopped']);

describeWithDatabase('the fleet server and its PostgreSQL killed under load', () => {
  it(`${KILLS} times: what was acknowledged is there, once`, { timeout: 300_000 + KILLS * 30_000 }, async () => {
    const dice = newDice();
    console.log(`DESKWARDEN_KILLS=${KILLS} DESKWARDEN_SEED=${dice.seed}`);
    const place = await openPlace();
    const shared = new Set<string>();
    try {
      let life = place.start();
      expect(await life.ready).toBe(true);
      const desks = await startDesks({
        servers: [...place.servers],
        secret: await place.ticket(DESKS),
        desks: DESKS,
        hangUpEvery: HANG_UP_EVERY,
      });
      try {
        await life.end('SIGTERM');
        const filesAtFirst = await filesOf(place.dir);
        life = place.start();
        await life.ready;
        desks.go();

        const kinds: string[] = [];
        const slowestMs = { value: 0 };
        for (const kind of throwKills(dice)) {
          if (kinds.length === KILLS) break;
          await desks.more(REPORTS);
          const killed = await kill(kind, place, life, dice);
          kinds.push(kind);
          for (const name of killed.shared) shared.add(name);
          const killedMs = performance.now();
          if (killed.fleet) life = place.start();
          if (kind === 'server at its start') {
            await delay(startInstantMs(dice));
            await life.end('SIGKILL');
            life = place.start();
          }
          await desks.more(1);
          slowestMs.value = Math.max(slowestMs.value, performance.now() - killedMs);
        }
        await desks.more(REPORTS);
        await desks.finish();

        const verified = await place.command('audit', 'verify', '--json');
        const address = await joinEmbedded(path.join(place.dataDir, 'postgresql'));
        if (!address) throw new Error('no database runs');
        const { audited, retentions, tenants, allowlists, ...effects } = await effectsIn(
          address.appUrl,
          keysOf(place.dataDir),
          desks.desks,
        );
        const postmasters = await processesOf(path.join(place.dataDir, 'postgresql', 'data'));
        for (const pid of postmasters) for (const name of await sharedMemoryOf(Number.parseInt(pid, 10))) shared.add(name);
        const last = await life.end('SIGTERM');

        const acknowledged = desks.acknowledged();
        const ways = tally(desks.ended.map(({ how }) => how));
        const again = desks.ended.length - acknowledged.length;
        const faults = place.lives.flatMap(({ lines }) =>
          lines.filter(({ event }) => event === 'fault').map(({ what, detail }) => wordsOf(what, detail)),
        );
        console.log(
          [
            `${kinds.length} kills (${tally(kinds)})`,
            `${acknowledged.length} reports acknowledged of ${desks.made.length}, sent ${desks.ended.length} times (${ways})`,
            `${audited - acknowledged.length} stored whose answer was lost; acknowledged again ${Math.round(slowestMs.value)} ms after a kill at the latest`,
            `${place.lives.length} servers ran; they said ${tally(faults) || 'no faults'}; ${shared.size} pieces of shared memory`,
          ].join('; '),
        );
        expect.soft([...acknowledged].sort()).toEqual(desks.made.map(({ id }) => id).sort());
        expect.soft(effects).toEqual(effectsDue(desks.made));
        expect
          .soft(tally(desks.ended.filter(({ how }) => !expected.has(how)).map(({ how, detail }) => `${how} ${detail}`)) || 'none')
          .toBe('none');
        // One that was stored without an answer was sent again, and is in the audit as often.
        expect.soft(audited).toBeLessThanOrEqual(acknowledged.length + again);
        expect.soft([retentions, tenants, allowlists]).toEqual([1, 1, 1]);
        expect.soft(JSON.parse(verified.out)).toMatchObject({ broken: null });
        expect.soft(verified.code).toBe(0);
        expect.soft(last).toEqual({ code: 0, signal: null });
        expect.soft(tally(faults.filter((told) => !lost.test(told))) || 'none').toBe('none');
        // Backends that are killed one by one make PostgreSQL begin anew by itself.
        const told = faults.filter((words) => words.includes('PostgreSQL runs again')).length;
        if (kinds.some((kind) => kind === 'postmaster' || kind === 'postgres')) expect.soft(told).toBeGreaterThan(0);
        expect.soft(place.lives.map((one) => one.stderr()).filter((text) => text !== '')).toEqual([]);
        expect.soft(await processesOf(place.dir)).toEqual([]);
        expect.soft(await filesOf(place.dir)).toEqual(filesAtFirst);
        expect.soft(await stillShared(shared)).toEqual([]);
        // Else nothing was proven.
        expect.soft(again).toBeGreaterThan(KILLS);
        expect.soft(audited).toBeGreaterThan(acknowledged.length);
      } catch (error) {
        console.log(
          place.lives
            .slice(-2)
            .map((one) => JSON.stringify([one.pid, one.stderr(), ...one.lines.slice(-20)]))
            .join('\n'),
        );
        throw error;
      } finally {
        await desks.close();
      }
    } finally {
      await place.clear();
    }
  });
});

/** Calls that could not be recorded, and connections that are no more. */
const lost =
  /PostgreSQL|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|database system is|terminating connection|[Cc]onnection terminated|connection error and is not queryable/;

/** Without the number of the request, and where in the program. */
function wordsOf(what: unknown, detail: unknown): string {
  return `${what}: ${
    String(detail)
      .replace(/^[0-9a-f-]{36} /, '')
      .split('\n', 1)[0]
  }`;
}
