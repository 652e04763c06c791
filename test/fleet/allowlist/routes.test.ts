import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Permission } from '../../../contracts/console/access.ts';
import type { Actor } from '../../../fleet/access/actor.ts';
import { dropSeen, holdNextRevision } from '../../../fleet/allowlist/revision-rows.ts';
import { allowlistRoutes, isStale } from '../../../fleet/allowlist/routes.ts';
import { actorIn, profile } from '../access/example-world.ts';
import { addTenant } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type StagedConsole, stageConsole } from '../rejudge/staged-console.ts';
import { entry, later } from './feed-fixture.ts';
import { type StagedTracker, shipped, stageTracker } from './staged-tracker.ts';

it('calls a list stale when the feed was not read for more than 14 days', () => {
  const at = (day: string) => new Date(`2026-09-${day}T00:00:00Z`);
  expect(isStale({ usedAt: at('01') }, shipped, at('15'))).toBe(false);
  expect(isStale({ usedAt: at('01') }, shipped, new Date('2026-09-15T00:00:01Z'))).toBe(true);
  // Never read: the product's own list is of 22 August.
  expect(isStale({ usedAt: null }, shipped, at('05'))).toBe(false);
  expect(isStale({ usedAt: null }, shipped, at('06'))).toBe(true);
});

describeWithDatabase('allowlist routes', () => {
  let stage: StagedTracker;
  let console: StagedConsole;
  let place: { tenant: string; instance: string };
  const account = (permissions: Permission[], tenant = place.tenant): Actor =>
    actorIn(null, [profile(null, permissions)], { tenant, account: randomUUID() });

  beforeAll(async () => {
    stage = await stageTracker('2026-08-22T16:00:00Z');
    place = await addTenant(stage.database.db, { region: 'eu-central-1' });
    console = await stageConsole(stage.database.db, stage.deps.now, allowlistRoutes(stage.deps));
  });
  afterAll(async () => {
    await console.close();
    await stage.close();
  });

  it('tells what is current, looks when asked, shows the diff, and publishes what was shown', async () => {
    const admin = account(['AllowList.View', 'AllowList.Approve']);
    const before = await console.call(admin, 'GET', '/api/v1/allowlist');
    expect(before).toMatchObject({
      status: 200,
      body: {
        instance: place.instance,
        current: { revision: 1, shipped: true },
        pending: null,
        stale: false,
        feed: { checkedAt: null, usedAt: null },
      },
    });
    expect((await console.call(admin, 'GET', '/api/v1/allowlist/diff')).status).toBe(404);

    const withNew = later('2026-08-22', 600, (feed) => void feed.prefixes.push(entry('AMAZON_CONNECT', 'eu-central-1', '15.193.40.0/24')));
    await stage.writeFeed(withNew);
    const looked = await console.call(admin, 'POST', '/api/v1/allowlist/check-now', {});
    expect(looked.body).toMatchObject({ looked: true, feed: { fault: null, waiting: { added: 1, removed: 0 } } });
    expect((await console.call(admin, 'POST', '/api/v1/allowlist/check-now', {})).body.looked).toBe(false);
    const shownTooEarly = (await console.call(admin, 'GET', '/api/v1/allowlist')).body.pending;
    await stage.run();

    const { body } = await console.call(admin, 'GET', '/api/v1/allowlist');
    expect(body).toMatchObject({
      pending: { revision: 2, status: 'seen', counts: { added: 1 } },
      dueAt: '2026-09-21T15:27:05.000Z',
      mayBeInUse: false,
      approval: 'manual',
    });
    const diff = await console.call(admin, 'GET', '/api/v1/allowlist/diff');
    expect(diff.body.diff.added).toMatchObject([{ prefix: '15.193.40.0/24', dueAt: '2026-09-21T15:27:05.000Z' }]);

    const stale = await console.call(admin, 'POST', '/api/v1/allowlist/publish', { revision: 2, contentHash: shownTooEarly.contentHash });
    expect(stale).toMatchObject({ status: 409, body: { error: { code: 'conflict', path: 'revision' } } });
    const longAgo: Actor = { ...admin, account: randomUUID(), mfaRequired: true, mfaAt: new Date(stage.deps.now().getTime() - 301_000) };
    const unproven = await console.call(longAgo, 'POST', '/api/v1/allowlist/publish', {
      revision: 2,
      contentHash: body.pending.contentHash,
    });
    expect(unproven).toMatchObject({ status: 403, body: { error: { code: 'step-up-required' } } });
    const done = await console.call(admin, 'POST', '/api/v1/allowlist/publish', { revision: 2, contentHash: body.pending.contentHash });
    expect(done).toMatchObject({ status: 200, body: { revision: { revision: 2, status: 'published', publishedBy: admin.account } } });
    expect(
      (await console.call(admin, 'POST', '/api/v1/allowlist/publish', { revision: 2, contentHash: body.pending.contentHash })).status,
    ).toBe(409);
    expect((await console.call(admin, 'GET', '/api/v1/allowlist')).body).toMatchObject({
      current: { revision: 2, shipped: false },
      pending: null,
    });
    const revisions = await console.call(admin, 'GET', '/api/v1/allowlist/revisions?limit=1');
    expect(revisions.body).toMatchObject({ items: [{ revision: 2, status: 'published' }], next: null });
    expect(console.faults).toEqual([]);
  });

  it('publishes nothing that the job takes back meanwhile', async () => {
    const admin = account(['AllowList.View', 'AllowList.Approve']);
    const { tenant, instance: id } = place;
    const feed = later(
      '2026-08-22',
      1_200,
      ({ prefixes }) => void prefixes.push(entry('AMAZON_CONNECT', 'eu-central-1', '15.193.44.0/24')),
    );
    await stage.writeFeed(feed);
    await stage.run();
    await stage.run();
    const { body } = await console.call(admin, 'GET', '/api/v1/allowlist');
    const { revision, contentHash } = body.pending;
    const instance = { tenant, id, alias: 'acme', region: 'eu-central-1' };
    const publishing = await stage.database.db.within({ tenant }, async (tx) => {
      await holdNextRevision(tx, instance, shipped);
      const asked = console.call(admin, 'POST', '/api/v1/allowlist/publish', { revision, contentHash });
      // Until it has read what is pending, or waits for us.
      await sleep(300);
      await dropSeen(tx, id);
      return { asked };
    });
    expect(await publishing.asked).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
    expect((await console.call(admin, 'GET', '/api/v1/allowlist')).body).toMatchObject({
      current: { revision: revision - 1, shipped: false },
      pending: null,
    });
  });

  it('is read with one permission and changed with another', async () => {
    const viewer = account(['AllowList.View']);
    expect((await console.call(viewer, 'GET', '/api/v1/allowlist')).status).toBe(200);
    expect((await console.call(viewer, 'POST', '/api/v1/allowlist/check-now', {})).status).toBe(403);
    expect((await console.call(viewer, 'POST', '/api/v1/allowlist/publish', { revision: 3, contentHash: '0'.repeat(64) })).status).toBe(
      403,
    );
    const nobody = account(['Devices.View']);
    for (const path of ['', '/revisions', '/diff'])
      expect((await console.call(nobody, 'GET', `/api/v1/allowlist${path}`)).status).toBe(403);
  });

  it('answers a foreign instance as one that is not there, and asks which where there are several', async () => {
    const other = await addTenant(stage.database.db);
    const foreign = account(['AllowList.View'], other.tenant);
    const [unseen, missing] = await Promise.all(
      [place.instance, randomUUID()].map((id) => console.call(foreign, 'GET', `/api/v1/allowlist?instance=${id}`)),
    );
    expect(unseen).toEqual(missing);
    expect(unseen?.status).toBe(404);
    await stage.database.db.within({ tenant: other.tenant }, (tx) =>
      tx
        .insertInto('instance')
        .values({ tenant_id: other.tenant, instance_id: randomUUID(), alias: 'acme', region: 'us-west-2' })
        .execute(),
    );
    expect(await console.call(foreign, 'GET', '/api/v1/allowlist')).toMatchObject({ status: 400, body: { error: { path: 'instance' } } });
    expect((await console.call(foreign, 'GET', `/api/v1/allowlist?instance=${other.instance}`)).status).toBe(200);
  });

  it('takes a feed that lost much once somebody accepts just that', async () => {
    const admin = account(['AllowList.View', 'AllowList.Approve']);
    const look = async (body: object) => {
      stage.time.ms += 60 * 60_000;
      return (await console.call(admin, 'POST', '/api/v1/allowlist/check-now', body)).body.feed;
    };
    const shrunk = later('2026-08-22', 1_800, (feed) => {
      feed.prefixes = feed.prefixes.filter(({ service }, index) => service !== 'AMAZON_CONNECT' || index % 2 === 0);
    });
    await stage.writeFeed(shrunk);
    expect(await look({})).toMatchObject({ fault: { code: 'shrunk' }, held: { syncToken: shrunk.syncToken } });
    expect(await look({ acceptLoss: '1' })).toMatchObject({ fault: { code: 'shrunk' } });
    expect(await look({ acceptLoss: shrunk.syncToken })).toMatchObject({ fault: null, held: null });
    // The prefixes are still believed for two weeks, and are not asked about again.
    expect(await look({})).toMatchObject({ fault: null, held: null });
    const further = later('2026-08-22', 2_400, (feed) => {
      feed.prefixes = feed.prefixes.filter(({ service }, index) => service !== 'AMAZON_CONNECT' || index % 8 === 0);
    });
    await stage.writeFeed(further);
    expect(await look({})).toMatchObject({ fault: { code: 'shrunk' } });
  });

  it('says since when the feed has not been read, and why', async () => {
    const viewer = account(['AllowList.View']);
    await stage.writeFeed('<html>');
    await stage.run(15 * 24);
    const { body } = await console.call(viewer, 'GET', '/api/v1/allowlist');
    expect(body).toMatchObject({ stale: true, feed: { fault: { code: 'not-json' } } });
  });
});
