import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { catalog } from '../../../checks/catalog.ts';
import { resolvePolicy } from '../../../checks/resolve-policy.ts';
import type { Finding } from '../../../contracts/finding.ts';
import { type Policy, PolicyFile } from '../../../contracts/policy.ts';
import type { Standing } from '../../../contracts/verdict.ts';
import { createKeyring, type Keyring } from '../../../fleet/crypto/keyring.ts';
import { openLocalKeyProvider } from '../../../fleet/crypto/local-key-provider.ts';
import { openDb } from '../../../fleet/db/tenancy.ts';
import { readInstance } from '../../../fleet/documents/document-rows.ts';
import { issueDocument } from '../../../fleet/documents/issue.ts';
import { openSigningKeys } from '../../../fleet/documents/signing-keys.ts';
import { hostNamePlace } from '../../../fleet/enrolment/host-name.ts';
import { policyHash } from '../../../fleet/policies/policy-content.ts';
import type { PreviewDeps } from '../../../fleet/rejudge/preview.ts';
import { deviceRow } from '../access/example-world.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { aReport } from '../intake/desk-reports.ts';
import { openIntake } from '../intake/open-intake.ts';

export const START_ISO = '2026-09-01T08:00:00.000Z';

export interface StagedDesks {
  database: TestDatabase;
  deps: PreviewDeps;
  keyring: Keyring;
  tenant: string;
  instance: string;
  /** Revision of the signed policy that the desks report under. */
  obeyed: number;
  policy(extra?: object): Policy;
  /** As a draft of the policy `floor`; gives its revision. */
  storeDraft(policy: Policy, published?: boolean): Promise<number>;
  assign(where: { group?: string; tag?: [string, string] }, priority: number, policy?: string): Promise<void>;
  addGroup(name: string): Promise<string>;
  addDesk(given?: { group?: string; tags?: Record<string, string>; hostName?: string }): Promise<string>;
  /** Through intake, as the desk itself would. */
  report(device: string, standing: Standing, findings: readonly Finding[], seq?: number): Promise<void>;
  close(): Promise<void>;
}

export async function stageDesks(): Promise<StagedDesks> {
  const database = await openTestDatabase();
  const { db } = database;
  const now = () => new Date(START_ISO);
  const dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-rejudge-'));
  const keyDir = path.join(dir, 'keys');
  const keyDb = openDb({ url: database.appUrl, applicationName: 'test-keys', max: 2, onError: () => undefined });
  const keyring = createKeyring({ provider: await openLocalKeyProvider({ dir: keyDir, clock: now }), db: keyDb, clock: now });
  const keys = await openSigningKeys({ db, keyring, now });
  const { tenant, instance } = await addTenant(db, { alias: 'acme', region: 'us-west-2' });
  const within = { tenant, instance };
  const intake = await openIntake(database.appUrl, now, { keyDir });

  const policy = (extra: object = {}) =>
    resolvePolicy(PolicyFile.parse({ schema: 1, id: 'floor', instance: { alias: 'acme', region: 'us-west-2' }, ...extra }), catalog);
  let revisions = 0;
  async function storeDraft(draft: Policy, published = false): Promise<number> {
    revisions += 1;
    await db.within({ tenant }, (tx) =>
      tx
        .insertInto('policy_revision')
        .values({
          ...{ tenant_id: tenant, instance_id: instance, policy_id: draft.id, revision: revisions },
          ...{ source: '', resolved: JSON.stringify(draft), content_hash: policyHash(draft), created_at: now() },
          ...(published && { published_at: now() }),
        })
        .execute(),
    );
    return revisions;
  }

  await storeDraft(policy(), true);
  const obeyed = await db.within({ tenant }, async (tx) => {
    const place = await readInstance(tx, instance);
    if (!place) throw new Error('no instance');
    const body = (revision: number) => ({ ...policy(), revision });
    return issueDocument({ keys, keyring, now }, tx, place, { kind: 'policy', audience: 'floor', hash: policyHash(policy()), body });
  });

  return {
    ...{ database, keyring, tenant, instance, policy, storeDraft },
    deps: { db, keyring, now, shipped: bundledAllowlist },
    obeyed: obeyed ?? 0,
    async assign({ group, tag }, priority, id = 'floor') {
      await db.within({ tenant }, (tx) =>
        tx
          .insertInto('policy_assignment')
          .values({
            ...{ tenant_id: tenant, instance_id: instance, id: randomUUID(), policy_id: id, priority },
            ...{ group_id: group ?? null, tag_key: tag?.[0] ?? null, tag_value: tag?.[1] ?? null },
          })
          .execute(),
      );
    },
    async addGroup(name) {
      const id = randomUUID();
      await db.within({ tenant }, (tx) =>
        tx
          .insertInto('hierarchy_group')
          .values({
            tenant_id: tenant,
            instance_id: '00000000-0000-0000-0000-000000000000',
            id,
            parent_id: null,
            level: 1,
            name,
            path: [id],
          })
          .execute(),
      );
      return id;
    },
    async addDesk({ group, tags = {}, hostName = 'desk.example.com' } = {}) {
      const id = randomUUID();
      await db.within(within, async (tx) => {
        const key = await keyring.key(tx, within, 'identity');
        const row = {
          ...deviceRow({ tenant, instance, id, group: group ?? null, tags }),
          host_name_sealed: key.seal(hostNamePlace(id), hostName),
        };
        await tx.insertInto('device').values(row).execute();
      });
      return id;
    },
    async report(device, standing, findings, seq = 0) {
      const report = aReport(device, { standing, findings: [...findings], seq, madeAt: START_ISO });
      report.verdict.policy = { id: 'floor', revision: obeyed ?? 0 };
      report.verdict.allowlist = { revision: bundledAllowlist.revision };
      await intake.intake.report({ tenant, instance, device }, report);
    },
    async close() {
      await intake.close();
      keyring.close();
      await keyDb.end();
      await database.close();
      await rm(dir, { recursive: true });
    },
  };
}
