import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { MAX_REVISION } from '../../../contracts/signed-document.ts';
import { contentHash } from '../../../fleet/documents/content-hash.ts';
import { latestRevisions } from '../../../fleet/documents/desk-orders.ts';
import { issueDocument } from '../../../fleet/documents/issue.ts';
import { unassignPolicy } from '../../../fleet/policies/assign.ts';
import { openRealDesk, openStage, type RealDesk, type Stage } from './open-stage.ts';

const nothing = { policy: 0, allowlist: 0, waivers: 0, sealing: 0, keys: 0 };
let stage: Stage;
let root = '';
beforeAll(async () => {
  stage = await openStage();
  root = await mkdtemp(path.join(tmpdir(), 'deskwarden-desks-'));
});
afterAll(async () => {
  await stage.close();
  await rm(root, { recursive: true, force: true });
});

async function desk(place: Parameters<Stage['addDesk']>[0] = {}): Promise<RealDesk> {
  const id = await stage.addDesk(place);
  return openRealDesk(stage, id, path.join(root, id));
}

async function documents(kind: string): Promise<number> {
  const rows = await stage.within((tx) =>
    tx
      .selectFrom('signed_document')
      .select('revision')
      .where('kind', '=', kind as 'policy')
      .execute(),
  );
  return rows.length;
}

const move = (id: string, group: string | null) =>
  stage.within((tx) => tx.updateTable('device').set({ group_id: group }).where('id', '=', id).execute());

describe('what a desk is to obey', () => {
  it('is nothing before anything is assigned, and what is published afterwards; the real store takes it', async () => {
    const one = await desk();
    expect(await one.heartbeat()).toEqual({ latest: nothing, taken: [] });
    await stage.publish('floor');
    await stage.assign('floor', { kind: 'all' }, 1);
    const { latest, taken } = await one.heartbeat();
    expect(taken).toEqual(['policy']);
    expect(latest).toEqual({ ...nothing, policy: one.held().policy });
    expect(one.book.current()).toMatchObject({ signed: true, orders: { policy: { id: 'floor', revision: latest.policy } } });
    expect(await one.heartbeat()).toEqual({ latest, taken: [] });
  });

  it('follows the group, then the owner, by priority; unknown desks and those of other instances get none', async () => {
    const emea = await stage.addGroup('EMEA');
    const de = await stage.addGroup('DE', emea);
    const owner = await stage.addAccount(de);
    await stage.publish('emea');
    await stage.publish('vip');
    await stage.assign('emea', { kind: 'group', group: emea }, 10);
    await stage.assign('vip', { kind: 'tag', key: 'Class', value: 'vip' }, 20);
    const [inDe, owned, vip, none] = [
      await desk({ group: de }),
      await desk({ owner, group: null }),
      await desk({ group: de, tags: { Class: 'vip' } }),
      await desk({ tags: { Class: 'VIP' } }),
    ];
    for (const one of [inDe, owned, vip, none]) await one.heartbeat();
    expect([inDe, owned, vip, none].map(({ book }) => book.current().orders.policy.id)).toEqual(['emea', 'emea', 'vip', 'floor']);
    const other = '00000000-0000-4000-8000-000000000000';
    expect(await stage.within((tx) => latestRevisions(stage.deps, tx, stage.instance.id, [{ id: other, held: nothing }]))).toEqual(
      new Map(),
    );
    expect(await stage.within((tx) => latestRevisions(stage.deps, tx, other, [{ id: inDe.id, held: nothing }]))).toEqual(new Map());
  });

  it('is issued anew for a desk that was overtaken, and no other desk fetches anything for it', async () => {
    const [home, away] = [await stage.addGroup('home'), await stage.addGroup('away')];
    await stage.publish('home');
    await stage.assign('home', { kind: 'group', group: home }, 30);
    await stage.publish('away');
    await stage.assign('away', { kind: 'group', group: away }, 31);
    const [stays, travels, lives] = [await desk({ group: home }), await desk({ group: home }), await desk({ group: away })];
    for (const one of [stays, travels, lives]) await one.heartbeat();
    const before = await documents('policy');
    await move(travels.id, away);
    await travels.heartbeat();
    // away was published later, so that its revision is higher anyway.
    expect(await documents('policy')).toBe(before);
    await move(travels.id, home);
    const back = await travels.heartbeat();
    expect(back.taken).toEqual(['policy']);
    expect(travels.book.current().orders.policy.id).toBe('home');
    expect(await documents('policy')).toBe(before + 1);
    for (let round = 0; round < 3; round += 1) {
      for (const one of [stays, travels, lives]) expect((await one.heartbeat()).taken).toEqual([]);
    }
    expect(await documents('policy')).toBe(before + 1);
    // Several at a time cost one document.
    const more = [await desk({ group: away }), await desk({ group: away })];
    for (const one of more) await one.heartbeat();
    for (const one of [...more, lives]) await move(one.id, home);
    for (const one of more) await one.heartbeat();
    expect(await documents('policy')).toBe(before + 1);
  });

  it('stays what it was when the assignment ends', async () => {
    const lone = await stage.addGroup('lone');
    await stage.publish('lone');
    const id = await stage.assign('lone', { kind: 'group', group: lone }, 40);
    const one = await desk({ group: lone, tags: {} });
    const { latest } = await one.heartbeat();
    const floor = await stage.within((tx) =>
      tx.selectFrom('policy_assignment').select('id').where('policy_id', '=', 'floor').executeTakeFirstOrThrow(),
    );
    for (const assignment of [id, floor.id])
      await stage.within((tx) => unassignPolicy(tx, stage.instance, { assignment, acceptDesks: undefined }, stage.now()));
    expect(await one.heartbeat()).toEqual({ latest, taken: [] });
    expect((await (await desk({ group: lone })).heartbeat()).latest.policy).toBe(0);
    await stage.assign('floor', { kind: 'all' }, 1);
  });

  it('is an allowlist for every desk of the instance', async () => {
    const one = await desk();
    const { revision: _, ...said } = { ...bundledAllowlist, createdAt: '2026-11-22T10:00:00Z' };
    const content = {
      kind: 'allowlist' as const,
      audience: '',
      hash: contentHash(said),
      body: (revision: number) => ({ ...said, revision }),
    };
    const issued = await stage.within((tx) => issueDocument(stage.deps, tx, stage.instance, content));
    expect(await stage.within((tx) => issueDocument(stage.deps, tx, stage.instance, content))).toBe(issued);
    expect((await one.heartbeat()).taken).toContain('allowlist');
    expect(one.held().allowlist).toBe(issued);
  });

  it('believes a desk that is a little ahead, as after a backup, and not one that names any number', async () => {
    const id = await stage.addDesk();
    const ask = async (policy: number) =>
      (await stage.within((tx) => latestRevisions(stage.deps, tx, stage.instance.id, [{ id, held: { ...nothing, policy } }]))).get(id)
        ?.policy;
    const top = (await ask(0)) ?? 0;
    expect(await ask(top + 500)).toBe(top + 501);
    const before = await documents('policy');
    expect(await ask(MAX_REVISION)).toBe(MAX_REVISION);
    expect(await documents('policy')).toBe(before);
  });
});

/** Statements that the work sends; the transaction's own are among them. */
async function statements(work: () => Promise<unknown>): Promise<number> {
  const query = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await work();
    return query.mock.calls.length;
  } finally {
    query.mockRestore();
  }
}

it('answers 500 desks in a handful of statements', async () => {
  const groups: string[] = [];
  for (let at = 0; at < 40; at += 1) groups.push(await stage.addGroup(`batch-${at}`));
  const { rows } = await stage.within((tx) =>
    sql<{ id: string }>`
        insert into device (tenant_id, instance_id, id, status, spki_hash, host_name_sealed, host_name_index, platform, group_id, created_at, status_changed_at)
        select ${stage.tenant}, ${stage.instance.id}, gen_random_uuid(), 'enrolled', decode(md5(n::text), 'hex'), '', '', 'linux',
          (${groups}::uuid[])[1 + n % 40], now(), now() from generate_series(1, 500) n returning id`.execute(tx),
  );
  const desks = rows.map(({ id }) => ({ id, held: nothing }));
  const found = await stage.within((tx) => latestRevisions(stage.deps, tx, stage.instance.id, desks));
  expect(new Set([...found.values()].map(({ policy }) => policy)).size).toBe(1);
  expect(await statements(() => stage.within((tx) => latestRevisions(stage.deps, tx, stage.instance.id, desks)))).toBeLessThan(20);
});
