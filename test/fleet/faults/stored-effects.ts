import path from 'node:path';
import { sql } from 'kysely';
import { createKeyring } from '../../../fleet/crypto/keyring.ts';
import { openLocalKeyProvider } from '../../../fleet/crypto/local-key-provider.ts';
import { type Db, openDb } from '../../../fleet/db/tenancy.ts';
import { deskOf } from '../intake/stored-desk.ts';
import type { ReportingDesks } from './reporting-desks.ts';
import type { Made } from './restless-desk.ts';

/** Of which the fleet keeps so many to know a report again. */
const RECENT = 8;

export interface Effects {
  /** Lines of the history of findings by report, one for each line. */
  told: string[];
  standings: string[];
  /** Numbers by device and epoch, with the last reports. */
  epochs: string[];
  releases: string[];
  /** What stands now, with the findings opened. */
  desks: unknown[];
}

/** What must be stored of reports that all were acknowledged. Pure. */
export function effectsDue(made: readonly Made[]): Effects {
  const byEpoch = new Map<string, Made[]>();
  const last = new Map<string, Made>();
  for (const one of made) {
    const key = `${one.device} ${one.epoch}`;
    byEpoch.set(key, [...(byEpoch.get(key) ?? []), one]);
    last.set(one.device, one);
  }
  return {
    told: made.flatMap(({ id, told }) => Array.from({ length: told }, () => id)).sort(),
    standings: made.flatMap(({ device, standing, madeAt, turns }) => (turns ? [`${device} ${standing} ${madeAt}`] : [])).sort(),
    epochs: [...byEpoch]
      .map(([key, some]) => {
        const recent = some.slice(-RECENT).map(({ id }) => id);
        return `${key} ${some.at(-1)?.seq} ${recent.reverse().join()}`;
      })
      .sort(),
    releases: made.flatMap(({ release }) => release ?? []).sort(),
    desks: [...last.values()].sort(byDevice).map(({ device, epoch, standing }) => ({
      ...{ device, epoch, standing, causes: standing === 'clear' ? [] : ['turn'], suspected: false, wantFull: false },
      findings: { hosts: 'pass 12', turn: `${standing === 'clear' ? 'pass' : 'fail'} 12` },
    })),
  };
}

/** What is stored, read as the server itself reads it. */
export async function effectsIn(appUrl: string, keysDir: string, desks: ReportingDesks['desks']): Promise<Effects & Counts> {
  const clock = () => new Date();
  const db = openDb({ url: appUrl, applicationName: 'test effects', max: 4, onError: () => undefined });
  const keyring = createKeyring({ provider: await openLocalKeyProvider({ dir: keysDir, clock }), db, clock });
  try {
    const { tenant, instance } = await homeOf(db);
    const lines = (query: ReturnType<typeof sql<{ line: string }>>) =>
      db.within({ tenant }, async (tx) => (await query.execute(tx)).rows.map(({ line }) => line).sort());
    const effects = {
      told: await lines(sql`select report_id::text as line from finding_change`),
      standings: await lines(sql`select device_id || ' ' || standing || ' ' ||
        to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as line from standing_change`),
      epochs: await lines(
        sql`select device_id || ' ' || epoch || ' ' || seq || ' ' || array_to_string(recent, ',') as line from desk_epoch`,
      ),
      releases: await lines(sql`select id::text as line from release_record`),
      desks: [] as unknown[],
    };
    for (const { device } of [...desks].sort(byDevice)) {
      const { epoch, standing, causes, suspected, wantFull, findings } = await deskOf(db, keyring, { tenant, instance, device });
      const shown = Object.entries(findings).map(([rule, { kind, evidence }]) => [
        rule,
        `${kind} ${(evidence as { rttMs: number }).rttMs}`,
      ]);
      effects.desks.push({ device, epoch, standing, causes, suspected, wantFull, findings: Object.fromEntries(shown) });
    }
    return { ...effects, ...(await countsOf(db, tenant)) };
  } finally {
    keyring.close();
    await db.end();
  }
}

export interface Counts {
  /** Reports by the audit: each that was answered, also one that came again. */
  audited: number;
  /** Of the daily job by the audit. */
  retentions: number;
  tenants: number;
  allowlists: number;
}

async function countsOf(db: Db, tenant: string): Promise<Counts> {
  const { rows } = await db.within({ tenant }, (tx) =>
    sql<Omit<Counts, 'tenants'>>`select
      (select coalesce(sum((record::jsonb->>'count')::int), 0)::int from audit_record where action = 'reports.accepted') as audited,
      (select count(*)::int from audit_record where action = 'retention.applied') as retentions,
      (select count(*)::int from allowlist_revision) as allowlists`.execute(tx),
  );
  const [row] = rows;
  if (!row) throw new Error('no counts');
  return { ...row, tenants: (await db.tenants()).length };
}

async function homeOf(db: Db): Promise<{ tenant: string; instance: string }> {
  const tenant = (await db.tenants())[0]?.id ?? '';
  const { instance_id } = await db.within({ tenant }, (tx) => tx.selectFrom('instance').select('instance_id').executeTakeFirstOrThrow());
  return { tenant, instance: instance_id };
}

export const keysOf = (dataDir: string) => path.join(dataDir, 'keys');

function byDevice(a: { device: string }, b: { device: string }): number {
  return a.device < b.device ? -1 : 1;
}
