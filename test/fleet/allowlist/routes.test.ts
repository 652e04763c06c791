import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Permission } from '../../../contracts/console/access.ts';
import type { Actor } from '../../../fleet/access/actor.ts';
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

  it('says since when the feed has not been read, and why', async () => {
    const viewer = account(['AllowList.View']);
    await stage.writeFeed('<html>');
    await stage.run(15 * 24);
    const { body } = await console.call(viewer, 'GET', '/api/v1/allowlist');
    expect(body).toMatchObject({ stale: true, feed: { fault: { code: 'not-json' } } });
  });
});
