import pg from 'pg';

const RULES = 'turn-udp hosts dns websocket handshake interception clock portal latency quality egress fresh'.split(' ');

/**
 * Gives the desks that do not report what a floor has on a day: nine of ten are clear, a few are silent, and each has its findings. By
 * the superuser and without triggers, since a million rows are not what is measured.
 */
export async function simulateFloor(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query('set session_replication_role = replica');
    await client.query(
      `update desk_state s set agent_version = '0.1.0', standing = n.standing, heard_at = now() - n.silent, said_at = now(), reported_at = now(),
        standing_since = now() - n.part * interval '3 days', want_full = false, reported_standing = n.standing, reported_gate = 'open',
        findings_digest = decode(md5(s.device_id::text), 'hex'), verdict_digest = decode(md5(s.device_id::text), 'hex'), epoch = gen_random_uuid(),
        causes = case when n.standing in ('blocked', 'caution') then array[($1::text[])[1 + floor(n.part * 12)::int]] else '{}' end
      from (select device_id, part,
          case when spread < 0.04 then 'blocked' when spread < 0.06 then 'undetermined' when spread < 0.10 then 'caution' else 'clear' end as standing,
          case when part < 0.03 then interval '2 hours' else interval '0' end as silent
        from (select device_id, random() as part, random() as spread from desk_state) as r) as n
      where s.device_id = n.device_id`,
      [RULES],
    );
    await client.query(
      `insert into finding (tenant_id, instance_id, device_id, rule, check_id, revision, venue, vantage, kind, code, detail_sealed, digest, partial,
        judged, observed_at, since, last_pass_at)
      select tenant_id, instance_id, device_id, rule, 'network.' || rule, 1, 'daemon', 'endpoint',
        case when rule = any(causes) then 'fail' else 'pass' end, case when rule = any(causes) then 'udp-blocked' end,
        decode(repeat(md5(device_id::text || rule), 8), 'hex'), decode(repeat(md5(rule), 2), 'hex'), false, true, now(), now(), now()
      from desk_state cross join unnest($1::text[]) as r(rule)`,
      [RULES],
    );
    await client.query('vacuum analyze');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}
