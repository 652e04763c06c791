import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { openPool } from '../../../fleet/db/pool.ts';
import { readPostmaster } from '../../../fleet/db/postmaster-file.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { withClient } from './raw.ts';
import { killServer, stageServers, untilGone } from './stage-server.ts';

const full = process.env.DESKWARDEN_FULL === '1';
const KILLS = full ? 100 : 5;
const WRITERS = 4;
const WITHIN_MS = 30_000;

describeWithDatabase('PostgreSQL killed while it writes', () => {
  const stage = stageServers();
  afterAll(() => stage.clear());

  it(`${KILLS} times: it is started again, and every row that was acknowledged is there once`, {
    timeout: KILLS * 10_000 + 60_000,
  }, async () => {
    const dir = await stage.newDir();
    const said: string[] = [];
    const server = await stage.open(dir, { say: (line) => said.push(line) });
    await withClient(server.ownerUrl, (client) => client.query('create table written (n int); grant all on written to deskwarden_app'));
    const pool = openPool({ url: server.appUrl, applicationName: 'writers', max: WRITERS, onError: () => undefined });
    const acknowledged: number[] = [];
    let [next, writing, refused] = [0, true, 0];
    const write = async () => {
      while (writing) {
        const n = next++;
        await pool.query('insert into written values ($1)', [n]).then(
          () => acknowledged.push(n),
          () => {
            refused++;
            return delay(10);
          },
        );
      }
    };
    const writers = Array.from({ length: WRITERS }, write);
    for (let kills = 0; kills < KILLS; kills++) {
      const before = acknowledged.length;
      await until(() => acknowledged.length >= before + 20);
      await delay(randomInt(100));
      const running = await readPostmaster(`${dir}/data`);
      if (!running) throw new Error('no server runs');
      // In turn the postmaster alone, whose backends end by themselves, and all at once, as a power cut would.
      if (kills % 2 === 0) {
        process.kill(running.pid, 'SIGKILL');
        await untilGone([running.pid]);
      } else {
        await killServer(running.pid);
      }
    }
    const last = acknowledged.length;
    await until(() => acknowledged.length >= last + 20);
    writing = false;
    await Promise.all(writers);
    await pool.end();
    const { rows } = await withClient(server.ownerUrl, (client) =>
      client.query<{ n: number; times: number }>('select n, count(*)::int as times from written group by n'),
    );
    const stored = new Map(rows.map(({ n, times }) => [n, times]));
    expect(acknowledged.filter((n) => stored.get(n) !== 1)).toEqual([]);
    expect(rows.filter(({ times }) => times !== 1)).toEqual([]);
    // Fewer than kills where one hit the server in the moment before it was seen to run.
    expect(said.filter((line) => line.includes('runs again')).length).toBeGreaterThan(KILLS / 2);
    expect(refused).toBeGreaterThanOrEqual(KILLS);
    console.log(`${KILLS} kills: ${acknowledged.length} acknowledged, ${rows.length} stored, ${refused} refused`);
  });
});

async function until(holds: () => boolean): Promise<void> {
  const startedAt = performance.now();
  while (!holds()) {
    if (performance.now() - startedAt > WITHIN_MS) throw new Error(`nothing was acknowledged for ${WITHIN_MS} ms`);
    await delay(5);
  }
}
