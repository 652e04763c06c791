import { sql } from 'kysely';
import { z } from 'zod';
import type { ShownStanding, TimelineAnswer, TimelineEntry, TimelineRequest } from '../../contracts/console/desks.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { FindingDetail, findingChangePlace } from '../intake/finding-detail.ts';
import { CursorTime, readCursor, writeCursor } from './cursor.ts';
import { findDesk } from './read-desk.ts';
import type { Reading } from './shown-desk.ts';

interface Row {
  kind: TimelineEntry['kind'];
  id: string;
  at: Date;
  receivedAt: Date;
  /** Standing, rule, or who released. */
  what: string;
  /** Gate, or check. */
  more: string;
  causes: string[] | null;
  sealed: Buffer | null;
  until: Date | null;
}

/** When it came, of what time it tells, and its id. */
const Place = z.tuple([CursorTime, CursorTime, z.uuid()]);

/**
 * What a desk told, what came last first, and of what came together the newest; a line never changes, so that no page misses or
 * repeats one.
 */
export async function readTimeline(reading: Reading, keyring: Keyring, id: string, query: TimelineRequest): Promise<TimelineAnswer> {
  const { tx, actor } = reading;
  const { tenant } = actor;
  const { instance } = await findDesk(reading, id);
  const place = readCursor(Place, query.after);
  const count = query.limit + 1;
  // As many digits as a cursor has.
  const told = (time: string) => sql`date_trunc('milliseconds', ${sql.ref(time)})`;
  const mine = (time: string) =>
    sql`tenant_id = ${tenant} and device_id = ${id} and ${
      place === null
        ? sql`true`
        : sql`(received_at, ${told(time)}, id) < (${place[0]}::timestamptz, ${place[1]}::timestamptz, ${place[2]}::uuid)`
    } order by received_at desc, ${told(time)} desc, id desc limit ${count}`;
  const { rows } = await sql<Row>`
    select * from (
      (select 'standing' as kind, id, ${told('at')} as at, received_at as "receivedAt", standing as what, gate_state as more, causes,
        null::bytea as sealed, null::timestamptz as until from standing_change where ${mine('at')})
      union all
      (select 'finding', id, ${told('observed_at')}, received_at, rule, check_id, null::jsonb, detail_sealed, null::timestamptz
        from finding_change where ${mine('observed_at')})
      union all
      (select 'release', id, ${told('from_at')}, received_at, released_by, '', null::jsonb, null::bytea, until_at
        from release_record where ${mine('from_at')})
    ) lines order by "receivedAt" desc, at desc, id desc limit ${count}`.execute(tx);
  const shown = rows.slice(0, query.limit);
  const items: TimelineEntry[] = [];
  for (const row of shown) items.push(await toEntry(row));
  const last = shown.at(-1);
  return {
    items,
    next: rows.length > query.limit && last ? writeCursor([last.receivedAt.toISOString(), last.at.toISOString(), last.id]) : null,
  };

  async function toEntry(row: Row): Promise<TimelineEntry> {
    const line = { id: row.id, at: row.at.toISOString(), receivedAt: row.receivedAt.toISOString() };
    if (row.kind === 'standing')
      return { kind: 'standing', ...line, standing: row.what as ShownStanding, gate: row.more, causes: row.causes ?? [] };
    if (row.kind === 'release') return { kind: 'release', ...line, by: row.what, until: (row.until ?? row.at).toISOString() };
    const opened = await keyring.open(tx, { tenant, instance }, 'evidence', findingChangePlace(row.id), row.sealed ?? Buffer.alloc(0));
    return { kind: 'finding', ...line, rule: row.what, check: row.more, ...FindingDetail.parse(JSON.parse(opened.toString('utf8'))) };
  }
}
