import { randomBytes, randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import pg from 'pg';

/** As many as intake writes at a time, over as many connections. */
const BATCH = 256;
const CONNECTIONS = 3;
/** About what a finding's sealed detail takes. */
const DETAIL_BYTES = 220;

/**
 * Reports a second that the same database takes as bare rows: what a report leaves, which is a state, and with each finding that
 * changed a finding and a line of history. By `jsonb_to_recordset`, into tables with a primary key and nothing else. Nothing is
 * parsed, judged, locked, sealed or audited.
 */
export async function bareInserts(url: string, seconds: number, findings: number): Promise<number> {
  const clients = Array.from({ length: CONNECTIONS }, () => new pg.Client({ connectionString: url }));
  const [first] = clients;
  if (!first) return Number.NaN;
  await Promise.all(clients.map((client) => client.connect()));
  try {
    await first.query(`
      create table bare_state (device_id uuid primary key, epoch uuid, seq bigint, recent uuid[], heard_at timestamptz, standing text,
        since timestamptz, causes text[], findings_digest bytea, verdict_digest bytea);
      create table bare_finding (device_id uuid, rule text, kind text, code text, detail bytea, digest bytea, observed_at timestamptz,
        primary key (device_id, rule));
      create table bare_change (id uuid primary key, device_id uuid, rule text, kind text, code text, detail bytea, at timestamptz)`);
    const started = performance.now();
    let reports = 0;
    await Promise.all(
      clients.map(async (client) => {
        while (performance.now() - started < seconds * 1_000) {
          await insertBatch(client, findings);
          reports += BATCH;
        }
      }),
    );
    return reports / ((performance.now() - started) / 1_000);
  } finally {
    await first.query('drop table if exists bare_state, bare_finding, bare_change');
    await Promise.all(clients.map((client) => client.end()));
  }
}

async function insertBatch(client: pg.Client, findings: number): Promise<void> {
  const at = new Date().toISOString();
  const states = Array.from({ length: BATCH }, () => ({
    ...{ device_id: randomUUID(), epoch: randomUUID(), seq: 1, recent: [randomUUID()], heard_at: at, since: at },
    ...{ standing: 'blocked', causes: ['turn-udp'], findings_digest: `\\x${randomBytes(16).toString('hex')}` },
  }));
  const changes = states.flatMap(({ device_id }) =>
    Array.from({ length: findings }, (_, index) => ({
      ...{ id: randomUUID(), device_id, rule: `rule-${index}`, kind: 'fail', code: 'udp-blocked', at },
      ...{ digest: `\\x${randomBytes(32).toString('hex')}`, detail: randomBytes(DETAIL_BYTES).toString('base64') },
    })),
  );
  await client.query('begin');
  await client.query(
    `insert into bare_state select * from jsonb_to_recordset($1::jsonb) as n(device_id uuid, epoch uuid, seq bigint, recent uuid[],
      heard_at timestamptz, standing text, since timestamptz, causes text[], findings_digest bytea, verdict_digest bytea)`,
    [JSON.stringify(states)],
  );
  if (changes.length > 0) {
    const payload = [JSON.stringify(changes)];
    await client.query(
      `insert into bare_finding select device_id, rule, kind, code, decode(detail, 'base64'), digest, at
        from jsonb_to_recordset($1::jsonb) as n(device_id uuid, rule text, kind text, code text, detail text, digest bytea, at timestamptz)`,
      payload,
    );
    await client.query(
      `insert into bare_change select id, device_id, rule, kind, code, decode(detail, 'base64'), at
        from jsonb_to_recordset($1::jsonb) as n(id uuid, device_id uuid, rule text, kind text, code text, detail text, at timestamptz)`,
      payload,
    );
  }
  await client.query('commit');
}
