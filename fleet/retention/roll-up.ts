import { sql } from 'kysely';
import type { Db } from '../db/tenancy.ts';
import { SILENT_MS } from '../intake/desk-memory.ts';

const DESKS_AT_A_TIME = 500;
const DAY_MS = 86_400_000;
/** As long as a desk keeps what it could not send. */
const MAX_LATE_DAYS = 31;

/**
 * Fills `desk_day` for the days that ended before `now`, in UTC: of each desk those that it lacks, since a server may not have run
 * for days, and anew those of which it told late, since its outbox was full. Any run may repeat another. Of days before
 * `historyDays` no lines are left to count.
 */
export async function rollUp(db: Db, tenant: string, now: Date, historyDays: number): Promise<number> {
  const today = new Date(now.toISOString().slice(0, 10));
  const yesterday = new Date(today.getTime() - DAY_MS);
  const earliest = new Date(today.getTime() - Math.min(MAX_LATE_DAYS, historyDays) * DAY_MS);
  let written = 0;
  let after: string | null = null;
  for (;;) {
    const done: { last: string | null; rows: number } = await db.within({ tenant }, async (tx) => {
      const { rows: desks } = await sql<{ id: string; day: Date }>`
        select s.device_id as id, greatest(${earliest}::timestamptz, least(lacking.day, (
          select min(c.at) from standing_change c where c.tenant_id = s.tenant_id and c.device_id = s.device_id
            and c.received_at >= lacking.day and c.at < lacking.day))) as day
        from desk_state s join device d on d.tenant_id = s.tenant_id and d.id = s.device_id
        cross join lateral (
          select coalesce((max(done.day) + 1)::timestamp at time zone 'UTC', ${yesterday}) as day from desk_day done
          where done.tenant_id = s.tenant_id and done.device_id = s.device_id
            and done.day < (${yesterday}::timestamptz at time zone 'UTC')::date) as lacking
        where s.tenant_id = ${tenant} and (${after}::uuid is null or s.device_id > ${after}::uuid)
          and (d.status = 'enrolled' or d.status_changed_at >= ${yesterday})
        order by s.device_id limit ${DESKS_AT_A_TIME}`.execute(tx);
      if (desks.length === 0) return { last: null, rows: 0 };
      const { rows } = await writeDays(desks, today).execute(tx);
      return { last: desks.at(-1)?.id ?? null, rows: rows[0]?.count ?? 0 };
    });
    written += done.rows;
    if (done.last === null) return written;
    after = done.last;
  }

  /** Each stretch between two changes, cut at midnights. A desk that is still silent now counts as undetermined from then on. */
  function writeDays(desks: readonly { id: string; day: Date }[], until: Date) {
    return sql<{ count: number }>`
      with desk as (
        select * from unnest(${desks.map(({ id }) => id)}::uuid[], ${desks.map(({ day }) => day.toISOString().slice(0, 10))}::date[])
          as d(device_id, first_day)
      ), day as (
        select desk.device_id, d::date as day, d::timestamp at time zone 'UTC' as starts, (d + interval '1 day')::timestamp at time zone 'UTC' as ends
        from desk, generate_series(first_day::timestamp, (${until}::timestamptz at time zone 'UTC') - interval '1 day', interval '1 day') as d
      ), line as (
        select c.device_id, c.standing, c.was, c.at, lead(c.at) over (next) as ends, row_number() over (next) as number
        from standing_change c join desk using (device_id) where c.tenant_id = ${tenant}
        window next as (partition by c.device_id order by c.at, c.received_at, c.id)
      ), stretch as (
        select device_id, standing, at as starts, coalesce(ends, ${until}::timestamptz) as ends from line
        union all
        -- Before the first line that is kept: as that one says; without any, as the desk has stood ever since.
        select device_id, case when line.number is null then s.reported_standing else line.was end, '-infinity',
          coalesce(line.at, ${until}::timestamptz)
        from desk join desk_state s using (device_id) left join line using (device_id)
        where s.tenant_id = ${tenant} and coalesce(line.number, 1) = 1
      ), heard as (
        select st.device_id, st.standing, st.starts,
          case when st.ends = ${until}::timestamptz then least(st.ends, s.heard_at + make_interval(secs => ${SILENT_MS / 1_000})) else st.ends end as ends
        from stretch st join desk_state s on s.tenant_id = ${tenant} and s.device_id = st.device_id
      ), summed as (
        select day.device_id, day.day,
          sum(secs) filter (where standing = 'clear') as clear, sum(secs) filter (where standing = 'caution') as caution,
          sum(secs) filter (where standing = 'blocked') as blocked,
          count(*) filter (where h.starts >= day.starts) as changes
        from day join heard h on h.device_id = day.device_id and h.starts < day.ends and h.ends > day.starts
        cross join lateral (
          select extract(epoch from least(h.ends, day.ends) - greatest(h.starts, day.starts)) as secs) as cut
        group by 1, 2
      ), written as (
        insert into desk_day (tenant_id, instance_id, device_id, day, clear_sec, caution_sec, blocked_sec, undetermined_sec, changes)
        select s.tenant_id, s.instance_id, day.device_id, day.day, round(coalesce(clear, 0)), round(coalesce(caution, 0)),
          round(coalesce(blocked, 0)),
          86400 - round(coalesce(clear, 0)) - round(coalesce(caution, 0)) - round(coalesce(blocked, 0)), coalesce(changes, 0)
        from day join desk_state s on s.tenant_id = ${tenant} and s.device_id = day.device_id
        join device d on d.tenant_id = s.tenant_id and d.id = s.device_id and d.created_at < day.ends
        left join summed on summed.device_id = day.device_id and summed.day = day.day
        on conflict (tenant_id, device_id, day) do update set clear_sec = excluded.clear_sec, caution_sec = excluded.caution_sec,
          blocked_sec = excluded.blocked_sec, undetermined_sec = excluded.undetermined_sec, changes = excluded.changes
        returning 1
      )
      select count(*)::int as count from written`;
  }
}
