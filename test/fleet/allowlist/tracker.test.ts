import { createPublicKey, verify } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Allowlist } from '../../../contracts/allowlist.ts';
import { SignedDocument } from '../../../contracts/signed-document.ts';
import { readStoredFeed } from '../../../fleet/allowlist/feed-store.ts';
import { runAllowlistJob } from '../../../fleet/allowlist/job.ts';
import { publish } from '../../../fleet/allowlist/revise.ts';
import { listRevisions, readByStatus, readInstances } from '../../../fleet/allowlist/revision-rows.ts';
import { addTenant } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { entry, later, type RawFeed } from './feed-fixture.ts';
import { type StagedTracker, shipped, stageTracker } from './staged-tracker.ts';

let stage: StagedTracker;
const withNew = (feed: RawFeed) =>
  void feed.prefixes.push(
    entry('AMAZON_CONNECT', 'eu-central-1', '15.193.40.0/24'),
    entry('AMAZON_CONNECT', 'us-west-2', '15.193.41.0/24'),
  );

describeWithDatabase('allowlist tracker', () => {
  beforeAll(async () => {
    stage = await stageTracker('2026-08-22T16:00:00Z');
  });
  afterAll(() => stage.close());

  const setApproval = (tenant: string, approval: 'automatic' | 'manual') =>
    stage.database.db.within({ tenant }, (tx) => tx.updateTable('tenant_settings').set({ allowlist_approval: approval }).execute());
  const seenOf = ({ tenant, instance }: { tenant: string; instance: string }, status: 'seen' | 'published') =>
    stage.database.db.within({ tenant }, (tx) => readByStatus(tx, instance, status));
  const documentsOf = ({ tenant, instance }: { tenant: string; instance: string }) =>
    stage.database.db.within({ tenant, instance }, async (tx) =>
      (await tx.selectFrom('signed_document').selectAll().where('kind', '=', 'allowlist').orderBy('revision').execute()).map((row) =>
        SignedDocument.parse(row.envelope),
      ),
    );

  it('S0-66: a new range in the feed gives a diff with its due date, and a signed list once it is approved', async () => {
    const { db } = stage.database;
    const place = await addTenant(db, { region: 'eu-central-1' });
    await stage.writeFeed(later('2026-08-22', 0));
    // The services that the shipped list lacks are there at once.
    expect(await stage.run(0)).toEqual({ looked: true, fault: null, seen: 1, published: 0 });
    const first = await seenOf(place, 'seen');
    expect(first?.diff).toMatchObject({
      base: { revision: 1, syncToken: shipped.ipRanges.syncToken },
      added: [],
      removed: [],
      introduced: ['CHIME_MEETINGS', 'EC2', 'S3'],
    });
    expect(first?.revision).toBe(2);

    await stage.writeFeed(later('2026-08-22', 3_600, withNew));
    await stage.run();
    expect((await seenOf(place, 'seen'))?.diff.added).toEqual([]);
    await stage.run();
    const seen = await seenOf(place, 'seen');
    // Of us-west-2 nothing: it is another Region's.
    expect(seen?.diff.added).toEqual([
      {
        service: 'AMAZON_CONNECT',
        region: 'eu-central-1',
        prefix: '15.193.40.0/24',
        publishedAt: '2026-08-22T16:17:05.000Z',
        publishedAfter: '2026-08-22T15:17:05.000Z',
        dueAt: '2026-09-21T16:17:05.000Z',
      },
    ]);
    expect(await documentsOf(place)).toEqual([]);

    await setApproval(place.tenant, 'automatic');
    stage.time.ms += 60_000;
    // Without a look, too: what waits is published once the tenant says so.
    expect(await runAllowlistJob(stage.deps)).toEqual({ looked: false, fault: null, seen: 0, published: 1 });
    const [document, ...more] = await documentsOf(place);
    expect(more).toEqual([]);
    const body = Allowlist.parse(JSON.parse(document?.body ?? ''));
    expect(body.revision).toBe(document?.revision);
    expect(document).toMatchObject({ kind: 'allowlist', revision: 2, instance: { alias: 'acme', region: 'eu-central-1' } });
    expect(body.prefixes.AMAZON_CONNECT?.find(({ region }) => region === 'eu-central-1')?.v4).toContain('15.193.40.0/24');
    expect(body.rows).toEqual(shipped.rows);
    expect(Object.keys(body.prefixes).sort()).toEqual(['AMAZON', 'AMAZON_CONNECT', 'CHIME_MEETINGS', 'CLOUDFRONT', 'EC2', 'S3']);
    expect(
      body.prefixes.EC2?.map(({ region }) => region).filter((region) => !['GLOBAL', 'eu-central-1', 'eu-west-2'].includes(region)),
    ).toEqual([]);

    const [header = '', , signature = ''] = document?.jws.split('.') ?? [];
    const payload = Buffer.from(document?.body ?? '').toString('base64url');
    const [key] = stage.keys.trusted();
    const isOurs = verify(
      null,
      Buffer.from(`${header}.${payload}`),
      createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: key?.x ?? '' } }),
      Buffer.from(signature, 'base64url'),
    );
    expect(isOurs).toBe(true);
    expect(await stage.run()).toMatchObject({ seen: 0, published: 0 });
    expect(await seenOf(place, 'seen')).toBeNull();
  });

  it('keeps what it has when the feed is older, broken or gone, and says so', async () => {
    const before = await readStoredFeed(stage.database.db);
    for (const [feed, code] of [
      [later('2025-06-11-20-33', 0), 'older'],
      ['<html>', 'not-json'],
      [later('2026-08-22', 9 * 86_400), 'from-the-future'],
    ] as const) {
      await stage.writeFeed(feed);
      expect((await stage.run()).fault?.code).toBe(code);
      const after = await readStoredFeed(stage.database.db);
      expect(after.state).toEqual(before.state);
      expect(after.usedAt).toEqual(before.usedAt);
      expect(after.checkedAt?.getTime()).toBe(stage.time.ms);
    }
  });

  it('publishes anew after 14 days though nothing changed, so that desks do not hold an old list', async () => {
    const place = await addTenant(stage.database.db, { region: 'eu-central-1' });
    await setApproval(place.tenant, 'automatic');
    await stage.writeFeed(later('2026-08-22', 3_600, withNew));
    await stage.run();
    await stage.run();
    const [first] = await documentsOf(place);
    await stage.run(13 * 24);
    expect(await documentsOf(place)).toHaveLength(1);
    await stage.run(24);
    const [, second] = await documentsOf(place);
    expect(second?.revision).toBe((first?.revision ?? 0) + 1);
    const bodies = [first, second].map((document) => Allowlist.parse(JSON.parse(document?.body ?? '')));
    expect(bodies[1]?.createdAt).toBe(new Date(stage.time.ms).toISOString());
    expect({ ...bodies[1], revision: 0, createdAt: '' }).toEqual({ ...bodies[0], revision: 0, createdAt: '' });
    const revisions = await stage.database.db.within({ tenant: place.tenant }, (tx) => listRevisions(tx, place.instance, 10, null));
    expect(revisions.map(({ revision, status }) => [revision, status])).toEqual([
      [3, 'published'],
      [2, 'superseded'],
    ]);
  });

  it('takes what was seen back when AWS does, before anybody has approved it', async () => {
    const place = await addTenant(stage.database.db, { region: 'eu-west-2' });
    const { db } = stage.database;
    await stage.run();
    await db.within({ tenant: place.tenant }, async (tx) => {
      const { instances } = await readInstances(tx);
      const seen = await readByStatus(tx, place.instance, 'seen');
      if (!seen || !instances[0]) throw new Error('nothing was seen');
      await publish(tx, stage.deps.issue, instances[0], seen, null, new Date(stage.time.ms));
    });
    const token = Math.round(stage.time.ms / 1_000) - Date.parse('2026-08-22T15:17:05Z') / 1_000;
    await stage.writeFeed(
      later('2026-08-22', token, (feed) => {
        withNew(feed);
        feed.prefixes.push(entry('AMAZON_CONNECT', 'eu-west-2', '15.193.50.0/24'));
      }),
    );
    await stage.run();
    await stage.run();
    expect((await seenOf(place, 'seen'))?.diff.added.map(({ prefix }) => prefix)).toEqual(['15.193.50.0/24']);
    await stage.writeFeed(later('2026-08-22', token + 7_200, withNew));
    await stage.run();
    expect((await seenOf(place, 'seen'))?.diff.added.map(({ prefix }) => prefix)).toEqual(['15.193.50.0/24']);
    // Gone for two weeks: now it counts as gone.
    await stage.run(14 * 24 - 2);
    expect((await seenOf(place, 'seen'))?.diff.added.map(({ prefix }) => prefix) ?? []).toEqual(['15.193.50.0/24']);
    await stage.run(2);
    expect((await seenOf(place, 'seen'))?.diff.added ?? []).toEqual([]);
  });

  it('looks once when replicas ask at the same moment', async () => {
    stage.time.ms += 60 * 60_000;
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => runAllowlistJob(stage.deps)));
    expect(outcomes.filter(({ looked }) => looked)).toHaveLength(1);
  });

  it('folds and compares nothing while the feed and the instances stand as they stood', async () => {
    const place = await addTenant(stage.database.db, { region: 'eu-central-1' });
    await stage.run();
    const query = vi.spyOn(pg.Client.prototype, 'query');
    const compared = () => query.mock.calls.filter(([said]) => JSON.stringify(said).includes('revision_counter')).length;
    try {
      const { seen } = await runAllowlistJob(stage.deps);
      const before = { folds: stage.folds.count, compared: compared() };
      for (let minute = 0; minute < 10; minute += 1) {
        stage.time.ms += 60_000;
        // What waits is still counted.
        expect(await runAllowlistJob(stage.deps)).toEqual({ looked: false, fault: null, seen, published: 0 });
      }
      expect({ folds: stage.folds.count, compared: compared() }).toEqual(before);
      // A setting, an instance that is new and a look are each seen at once.
      await setApproval(place.tenant, 'automatic');
      expect((await runAllowlistJob(stage.deps)).published).toBe(1);
      const later = await addTenant(stage.database.db, { region: 'eu-central-1' });
      await runAllowlistJob(stage.deps);
      expect(await seenOf(later, 'seen')).not.toBeNull();
      expect(stage.folds.count).toBe(before.folds);
      await stage.run();
      expect(stage.folds.count).toBe(before.folds + 1);
    } finally {
      query.mockRestore();
    }
  });

  it('gives the look to another replica when the one that took it died', async () => {
    const { db } = stage.database;
    stage.time.ms += 60 * 60_000;
    const tracker = { ...stage.deps, source: { ...stage.deps.source, url: new URL('ftp://example.com/') } };
    // Not a fault of the feed: the process ends in the middle of its look.
    await expect(
      runAllowlistJob({
        ...tracker,
        now: () => stage.deps.now(),
        shipped,
        source: {
          ...tracker.source,
          get deadlineMs(): number {
            throw new Error('killed');
          },
        },
      }),
    ).rejects.toThrow('killed');
    expect((await runAllowlistJob(stage.deps)).looked).toBe(false);
    stage.time.ms += 5 * 60_000;
    expect((await runAllowlistJob(stage.deps)).looked).toBe(true);
    expect((await readStoredFeed(db)).fault).toBeNull();
  });
});
