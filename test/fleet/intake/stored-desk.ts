import { sql } from 'kysely';
import type { Keyring } from '../../../fleet/crypto/keyring.ts';
import type { Db } from '../../../fleet/db/tenancy.ts';
import { FindingDetail, findingPlace } from '../../../fleet/intake/finding-detail.ts';
import type { Caller } from '../../../fleet/intake/intake.ts';

export interface StoredFinding {
  kind: string;
  code: string | null;
  revision: number;
  judged: boolean;
  partial: boolean;
  evidence: unknown;
}

/** All that the tables hold of a desk, its findings opened. */
export async function deskOf(db: Db, keyring: Keyring, { device, ...scope }: Caller) {
  return db.within(scope, async (tx) => {
    const state = await tx.selectFrom('desk_state').selectAll().where('device_id', '=', device).executeTakeFirstOrThrow();
    const findings: Record<string, StoredFinding> = {};
    for (const row of await tx.selectFrom('finding').selectAll().where('device_id', '=', device).orderBy('rule').execute()) {
      const opened = await keyring.open(tx, scope, 'evidence', findingPlace(device, row.rule), row.detail_sealed);
      const { evidence } = FindingDetail.parse(JSON.parse(opened.toString()));
      const { kind, code, revision, judged, partial } = row;
      findings[row.rule] = { kind, code, revision, judged, partial, evidence };
    }
    const verdict = await tx.selectFrom('desk_verdict').select(['verdict', 'gate']).where('device_id', '=', device).executeTakeFirst();
    return {
      standing: state.standing,
      since: state.standing_since.toISOString(),
      causes: state.causes,
      gateState: state.gate_state,
      epoch: state.epoch,
      heardAt: state.heard_at?.toISOString() ?? null,
      agentVersion: state.agent_version,
      suspected: state.duplicate_suspected_at !== null,
      wantFull: state.want_full,
      digests: [state.findings_digest?.toString('hex'), state.verdict_digest?.toString('hex')],
      verdict,
      findings,
    };
  });
}

/** History, as words: of findings by rule, then of the standing by time. */
export async function historyOf(db: Db, { device, ...scope }: Caller): Promise<string[]> {
  return db.within(scope, async (tx) => {
    const findings = await sql<{ line: string }>`
      select rule || ' ' || kind as line from finding_change where device_id = ${device} order by 1`.execute(tx);
    const standings = await sql<{ line: string }>`
      select 'standing ' || standing as line from standing_change where device_id = ${device} order by at, 1`.execute(tx);
    return [...findings.rows, ...standings.rows].map(({ line }) => line);
  });
}
