import { expect, it } from 'vitest';
import { newDice } from '../../faults/fault.ts';
import { openTestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type FleetLife, openPlace } from './fleet-life.ts';
import { processesOf } from './leftovers.ts';
import { startDesks } from './reporting-desks.ts';
import { effectsDue, effectsIn, keysOf } from './stored-effects.ts';
import { tally } from './tally.ts';

const KILLS = Math.ceil(Number(process.env.DESKWARDEN_KILLS ?? 6) / 3);
const DESKS = 4;
const REPORTS = 30;
const LONGEST_LOAD_MS = 500;
const expected = new Set(['stored', 'unavailable', 'offline', 'refused', 'timed-out', 'tls-failed']);

describeWithDatabase('two replicas on one database', () => {
  it(`one of them killed ${KILLS} times: desks go on with the other, nothing is lost, jobs ran once`, {
    timeout: 300_000 + KILLS * 30_000,
  }, async () => {
    const dice = newDice();
    console.log(`replicas: DESKWARDEN_SEED=${dice.seed}`);
    const database = await openTestDatabase({ durable: true });
    const place = await openPlace({ replicas: 2, env: { DATABASE_URL: database.appUrl, MIGRATE_DATABASE_URL: database.ownerUrl } });
    try {
      // Both at once, on a database that has nobody yet.
      const living: FleetLife[] = [place.start(0), place.start(1)];
      expect(await Promise.all(living.map(({ ready }) => ready))).toEqual([true, true]);
      const desks = await startDesks({ servers: [...place.servers], secret: await place.ticket(DESKS), desks: DESKS });
      try {
        desks.go();
        const withoutMs: number[] = [];
        for (let n = 0; n < KILLS; n++) {
          await desks.more(REPORTS);
          await new Promise((resolve) => setTimeout(resolve, dice.below(LONGEST_LOAD_MS)));
          const replica = n % 2;
          await living[replica]?.end('SIGKILL');
          const killedMs = performance.now();
          // All of them, by the one that is left.
          await desks.more(DESKS * 2);
          withoutMs.push(Math.round(performance.now() - killedMs));
          living[replica] = place.start(replica);
          await living[replica]?.ready;
        }
        await desks.more(REPORTS);
        await desks.finish();

        const verified = await place.command('audit', 'verify', '--json');
        const { audited, retentions, tenants, allowlists, ...effects } = await effectsIn(
          database.appUrl,
          keysOf(place.dataDir),
          desks.desks,
        );
        const ends = await Promise.all(living.map((life) => life.end('SIGTERM')));
        const acknowledged = desks.acknowledged();
        const again = desks.ended.length - acknowledged.length;
        console.log(
          `${KILLS} kills; ${acknowledged.length} reports acknowledged, sent ${desks.ended.length} times (${tally(desks.ended.map(({ how }) => how))}); ${DESKS * 2} more were acknowledged within ${withoutMs.join(', ')} ms by the other`,
        );
        expect.soft([...acknowledged].sort()).toEqual(desks.made.map(({ id }) => id).sort());
        expect.soft(effects).toEqual(effectsDue(desks.made));
        expect.soft(tally(desks.ended.filter(({ how }) => !expected.has(how)).map(({ how, detail }) => `${how} ${detail}`))).toBe('');
        expect.soft(audited).toBeGreaterThanOrEqual(acknowledged.length);
        expect.soft(audited).toBeLessThanOrEqual(acknowledged.length + again);
        // Retention once a day, one look at the feed an hour, and one tenant of whoever made it.
        expect.soft([retentions, tenants, allowlists]).toEqual([1, 1, 1]);
        expect.soft(JSON.parse(verified.out)).toMatchObject({ broken: null });
        expect.soft(ends).toEqual(living.map(() => ({ code: 0, signal: null })));
        expect.soft(place.lives.map((one) => one.stderr()).filter((text) => text !== '')).toEqual([]);
        expect.soft(await processesOf(place.dir)).toEqual([]);
        // Else nothing was proven: each of the two stored reports.
        expect.soft([0, 1].map((one) => desks.ended.some(({ how, server }) => how === 'stored' && server === one))).toEqual([true, true]);
        expect.soft(again).toBeGreaterThanOrEqual(KILLS);
      } finally {
        await desks.close();
      }
    } finally {
      await place.clear();
      await database.close();
    }
  });
});
