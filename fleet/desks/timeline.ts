import { sql } from 'kysely';
import { z } from 'zod';
import type { ShownStanding, TimelineAnswer, TimelineEntry, TimelineRequest } from '../../contracts/console/desks.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { FindingDetail, findingChangePlace } from '../intake/finding-detail.ts';
import { readCursor, writeCursor } from './cursor.ts';
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

const Place = z.tuple([z.iso.datetime(), z.uuid()]);

/** What a desk told, the newest first; a line never changes, so that no page misses or repeats one. */
export async function readTimeline(reading: Reading, keyring: Keyring, id: string, query: TimelineRequest): Promise<TimelineAnswer> {
  const { tx, actor } = reading;
  const { tenant } = actor;
  const { instance } = await findDesk(reading, id);
  const place = readCursor(Place, query.after);
  const count = query.limit + 1;
  const mine = sql`tenant_id = ${tenant} and device_id = ${id} and ${
    place === null ? sql`true` : sql`(received_at, id) < (${place[0]}::timestamptz, ${place[1]}::uuid)`
  } order by received_at desc, id desc limit ${count}`;
  const { rows } = await sql<Row>`
    select * from (
      (select 'standing' as kind, id, at, received_at as "receivedAt", standing as what, gate_state as more, causes,
        null::bytea as sealed, null::timestamptz as until from standing_change where ${mine})
      union all
      (select 'finding', id, observed_at, received_at, rule, check_id, null::jsonb, detail_sealed, null::timestamptz
        from finding_change where ${mine})
      union all
      (select 'release', id, from_at, received_at, released_by, '', null::jsonb, null::bytea, until_at from release_record where ${mine})
    ) lines order by "receivedAt" desc, id desc limit ${count}`.execute(tx);
  const shown = rows.slice(0, query.limit);
  const items: TimelineEntry[] = [];
  for (const row of shown) items.push(await toEntry(row));
  const last = shown.at(-1);
  return { items, next: rows.length > query.limit && last ? writeCursor([last.receivedAt.toISOString(), last.id]) : null };

  async function toEntry(row: Row): Promise<TimelineEntry> {
    const line = { id: row.id, at: row.at.toISOString(), receivedAt: row.receivedAt.toISOString() };
    if (row.kind === 'standing')
      return { kind: 'standing', ...line, standing: row.what as ShownStanding, gate: row.more, causes: row.causes ?? [] };
    if (row.kind === 'release') return { kind: 'release', ...line, by: row.what, until: (row.until ?? row.at).toISOString() };
    const opened = await keyring.open(tx, { tenant, instance }, 'evidence', findingChangePlace(row.id), row.sealed ?? Buffer.alloc(0));
    return { kind: 'finding', ...line, rule: row.what, check: row.more, ...FindingDetail.parse(JSON.parse(opened.toString('utf8'))) };
  }
}
