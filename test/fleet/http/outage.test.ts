import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { firstOfMany } from '../../../fleet/db/outage.ts';
import type { Db } from '../../../fleet/db/tenancy.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type RunningServer, runServer } from '../running-server.ts';
import { type Person, signInAsAdmin } from '../signed-in.ts';

it('many connections that are cut together are said once', () => {
  let nowMs = 0;
  const said: string[] = [];
  const say = firstOfMany(
    () => new Date(nowMs),
    ({ message }) => void said.push(message),
  );
  for (const message of ['first', 'second', 'third']) say(new Error(message));
  nowMs += 10_000;
  say(new Error('another day'));
  expect(said).toEqual(['first', 'another day']);
});

describeWithDatabase('an outage of the database', () => {
  let server: RunningServer;
  let person: Person;
  let fault: Error | null = null;

  /** Answers nothing while there is a fault. */
  function through(db: Db): Db {
    const orFault = () => (fault ? Promise.reject(fault) : null);
    return { ...db, within: (scope, work) => orFault() ?? db.within(scope, work), tenants: () => orFault() ?? db.tenants() };
  }

  beforeAll(async () => {
    server = await runServer({ through });
    person = await signInAsAdmin(server);
  });
  afterAll(() => server.close());

  const ask = () => person.ask({ path: '/api/v1/instances' });

  it('is said when it begins and when it is over, and costs a call one line without a stack', async () => {
    const before = server.events.length;
    fault = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' });
    for (let times = 0; times < 5; times += 1) expect((await ask()).status).toBe(503);
    fault = null;
    await expect.poll(() => server.events.at(-1)?.event, { timeout: 5_000 }).toBe('database-back');
    await sleep(1_500);
    const said = server.events.slice(before);
    expect(said.map(({ event, what }) => [event, what])).toEqual([
      ['fault', 'database'],
      ...Array.from({ length: 5 }, () => ['fault', 'request']),
      ['database-back', undefined],
    ]);
    expect(said.at(-1)).toMatchObject({ errors: 5, awayMs: expect.any(Number) });
    for (const { detail } of said) expect(String(detail)).not.toMatch(/\n|\bat /);
    expect((await ask()).status).toBe(200);
  });

  it('is not every fault: others keep their stack', async () => {
    fault = new TypeError('x is not a function');
    expect((await ask()).status).toBe(503);
    fault = null;
    const last = server.events.at(-1);
    expect([last?.what, String(last?.detail)]).toEqual(['request', expect.stringMatching(/TypeError: x is not a function\n\s+at /)]);
  });
});
