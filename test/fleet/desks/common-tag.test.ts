import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { DesksAnswer, DesksRequest } from '../../../contracts/console/desks.ts';
import { operatorOf } from '../../../fleet/access/actor.ts';
import { listDesks } from '../../../fleet/desks/list-desks.ts';
import { hostNamePlace } from '../../../fleet/enrolment/host-name.ts';
import { addTenant, openTestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { addDevices } from '../intake/desk-reports.ts';
import { openIntake } from '../intake/open-intake.ts';

/** One more than are looked for before the list is read in its order. */
const MANY = 2_001;

describeWithDatabase('a tag that very many desks have', () => {
  it('is listed whole, page by page, and without the desks that lack it', async () => {
    const database = await openTestDatabase();
    const scope = await addTenant(database.db);
    const replica = await openIntake(database.appUrl, () => new Date());
    try {
      const desks = await addDevices(database.db, scope, MANY + 1, (index) => ({ tags: { Dept: index < MANY ? 'Claims' : 'Sales' } }));
      await database.db.within(scope, async (tx) => {
        const key = await replica.keyring.key(tx, scope, 'identity');
        const names = desks.map((id) => ({ id, name: `\\x${key.seal(hostNamePlace(id), 'desk.example.com').toString('hex')}` }));
        await sql`update device d set host_name_sealed = n.name from jsonb_to_recordset(${JSON.stringify(names)}::jsonb)
          as n(id uuid, name bytea) where d.id = n.id`.execute(tx);
      });
      const listed = async (tagValue: string) => {
        const ids: string[] = [];
        for (let after: string | null = ''; after !== null; ) {
          const query = DesksRequest.parse({ tagKey: 'Dept', tagValue, limit: 200, ...(after && { after }) });
          const answer: DesksAnswer = await database.db.within({ tenant: scope.tenant }, (tx) =>
            listDesks({ tx, actor: operatorOf(scope.tenant), now: new Date() }, replica.keyring, query),
          );
          ids.push(...DesksAnswer.parse(answer).items.map(({ id }) => id));
          after = answer.next;
        }
        return ids.toSorted();
      };
      expect(await listed('Claims')).toEqual(desks.slice(0, MANY).toSorted());
      expect(await listed('Sales')).toEqual(desks.slice(MANY));
    } finally {
      await replica.close();
      await database.close();
    }
  });
});
