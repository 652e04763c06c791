import { once } from 'node:events';
import { request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { newDice } from '../../faults/fault.ts';
import { openTestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { aHeartbeat } from '../intake/desk-reports.ts';
import type { EnrolledDesk } from './desks-process.ts';
import { openPlace } from './fleet-life.ts';
import { processesOf } from './leftovers.ts';
import { startDesks } from './reporting-desks.ts';
import { effectsDue, effectsIn, keysOf } from './stored-effects.ts';
import { tally } from './tally.ts';

const STOPS = Math.ceil(Number(process.env.DESKWARDEN_KILLS ?? 6) / 3);
const DESKS = 8;
const REPORTS = 40;
const LONGEST_LOAD_MS = 300;
/** Of the call that is under way when the stop begins. */
const SLOW_MS = 700;
/** Without anybody who dawdles for longer. */
const STOPPED_MS = 10_000;

describeWithDatabase('the fleet server told to stop under load', () => {
  it(`${STOPS} times: what it stored it has acknowledged, and whoever is in the midst of a call is answered`, {
    timeout: 300_000 + STOPS * 30_000,
  }, async () => {
    const dice = newDice();
    console.log(`stop: DESKWARDEN_SEED=${dice.seed}`);
    const database = await openTestDatabase({ durable: true });
    const place = await openPlace({ env: { DATABASE_URL: database.appUrl, MIGRATE_DATABASE_URL: database.ownerUrl } });
    try {
      let life = place.start();
      expect(await life.ready).toBe(true);
      const [server = ''] = place.servers;
      const desks = await startDesks({ servers: [server], secret: await place.ticket(DESKS), desks: DESKS });
      try {
        const [dawdler] = desks.desks;
        if (!dawdler) throw new Error('no desks');
        desks.go();
        const tookMs: number[] = [];
        const slow: number[] = [];
        for (let n = 0; n < STOPS; n++) {
          await desks.more(REPORTS);
          await delay(dice.below(LONGEST_LOAD_MS));
          const answered = slowHeartbeat(server, dawdler);
          await delay(SLOW_MS / 3);
          const stoppedMs = performance.now();
          expect.soft(await life.end('SIGTERM')).toEqual({ code: 0, signal: null });
          tookMs.push(Math.round(performance.now() - stoppedMs));
          slow.push(await answered);
          expect.soft(await processesOf(place.dir)).toEqual([]);
          life = place.start();
          await life.ready;
        }
        await desks.more(REPORTS);
        await desks.finish();
        const { audited, retentions, tenants, allowlists, ...effects } = await effectsIn(
          database.appUrl,
          keysOf(place.dataDir),
          desks.desks,
        );
        await life.end('SIGTERM');
        console.log(
          `${STOPS} stops within ${tookMs.join(', ')} ms; ${desks.acknowledged().length} reports acknowledged, sent ${desks.ended.length} times (${tally(desks.ended.map(({ how }) => how))}); calls in their midst: ${slow.join(', ')}`,
        );
        expect.soft(effects).toEqual(effectsDue(desks.made));
        // Nobody was killed: what was stored was answered, each time.
        expect.soft(audited).toBe(desks.acknowledged().length);
        expect.soft([retentions, tenants, allowlists]).toEqual([1, 1, 1]);
        expect
          .soft(tally(desks.ended.map(({ how }) => how).filter((how) => !['stored', 'unavailable', 'refused', 'offline'].includes(how))))
          .toBe('');
        expect.soft(slow.filter((status) => status !== 200 && status !== 503)).toEqual([]);
        expect.soft(Math.max(...tookMs)).toBeLessThan(STOPPED_MS);
        expect.soft(place.lives.map((one) => one.stderr()).filter((text) => text !== '')).toEqual([]);
      } finally {
        await desks.close();
      }
    } finally {
      await place.clear();
      await database.close();
    }
  });
});

/** Resolves to its status: a call of which the first half was sent, and the second a while later. */
async function slowHeartbeat(server: string, { ca, certificate, key }: EnrolledDesk): Promise<number> {
  const body = JSON.stringify(aHeartbeat());
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const asked = request(new URL('/device/v1/heartbeat', server), { method: 'POST', ca, cert: certificate, key, agent: false, headers });
  const answered = once(asked, 'response').then(([response]) => {
    response.resume();
    return response.statusCode as number;
  });
  asked.write(body.slice(0, body.length / 2));
  await delay(SLOW_MS);
  asked.end(body.slice(body.length / 2));
  return answered.catch(() => 0);
}
