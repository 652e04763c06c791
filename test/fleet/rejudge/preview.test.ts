import { afterAll, beforeAll, expect, it } from 'vitest';
import { catalog } from '../../../checks/catalog.ts';
import type { PreviewSummary } from '../../../contracts/console/rejudge.ts';
import type { Policy } from '../../../contracts/policy.ts';
import { operatorOf } from '../../../fleet/access/actor.ts';
import { hostNamePlace } from '../../../fleet/enrolment/host-name.ts';
import { findingPlace } from '../../../fleet/intake/finding-detail.ts';
import { type MovedDesk, preview } from '../../../fleet/rejudge/preview.ts';
import { actorIn, control, named, profile } from '../access/example-world.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { START_ISO, type StagedDesks, stageDesks } from './staged-desks.ts';
import { reported, type StoredCase, stored, storedCase, storedCases } from './stored-cases.ts';

const caseOf = (check: string, kind: string, index = 0): StoredCase => {
  const found = storedCases.filter(({ check: own, row }) => own.id === check && row.plan === undefined && row.outcome.kind === kind)[index];
  if (!found) throw new Error(`${check} has no such case`);
  return found;
};
const finding = (one: StoredCase) => reported(storedCase(one), START_ISO);
const freshness = catalog.find(({ id }) => id === 'network.allowlist-freshness');
if (!freshness) throw new Error('no such check');
const listOf = (ageDays: number) =>
  reported(stored(freshness, { kind: 'pass' }, { revision: 1, createdAt: '2026-08-22T15:17:05Z', ageDays }), START_ISO);

describeWithDatabase('preview', () => {
  let stage: StagedDesks;
  const desks: Record<'good' | 'degraded' | 'failing' | 'partial' | 'other' | 'mute' | 'elsewhere', string> = {
    ...{ good: '', degraded: '', failing: '', partial: '', other: '', mute: '', elsewhere: '' },
  };
  let berlin = '';

  beforeAll(async () => {
    stage = await stageDesks();
    berlin = await stage.addGroup('Berlin');
    const munich = await stage.addGroup('Munich');
    const paris = await stage.addGroup('Paris');
    await stage.assign({ group: berlin }, 10);
    await stage.assign({ group: munich }, 20);
    for (const name of Object.keys(desks) as (keyof typeof desks)[]) {
      const group = name === 'elsewhere' ? paris : name === 'failing' ? munich : berlin;
      desks[name] = await stage.addDesk({ group, hostName: `${name}.example.com` });
    }
    const good = finding(caseOf('network.turn-udp', 'pass'));
    const list = listOf(10);
    await stage.report(desks.good, 'clear', [good, list]);
    await stage.report(desks.degraded, 'caution', [finding(caseOf('network.turn-udp', 'degraded')), list]);
    await stage.report(desks.failing, 'blocked', [finding(caseOf('network.turn-udp', 'fail')), listOf(30)]);
    await stage.report(desks.partial, 'clear', [good, { ...list, partial: true, evidence: { revision: 1 } }]);
    await stage.report(desks.other, 'clear', [good, { ...listOf(30), revision: 2 }]);
    await stage.report(desks.elsewhere, 'blocked', [finding(caseOf('network.turn-udp', 'fail'))]);
  });
  afterAll(() => stage.close());

  /** Two rules, so that every number can be told. */
  const draft = (turn: object = {}, list: object = {}): Policy =>
    stage.policy({
      base: 'none',
      rules: [
        { check: 'network.turn-udp', ...turn },
        { check: 'network.allowlist-freshness', ...list },
      ],
    });

  async function look(
    policy: Policy,
    ask: Partial<Parameters<typeof preview>[1]> = {},
  ): Promise<{ summary: PreviewSummary; complete: boolean; moved: Record<string, string> }> {
    const all: MovedDesk[] = [];
    const asked = {
      tenant: stage.tenant,
      instance: stage.instance,
      policy,
      reach: 'assigned' as const,
      actor: operatorOf(stage.tenant),
      ...ask,
    };
    const { summary, complete } = await preview(stage.deps, asked, async (_, moved) => void all.push(...moved));
    const nameOf = (id: string) => Object.entries(desks).find(([, desk]) => desk === id)?.[0] ?? id;
    return {
      summary,
      complete,
      moved: Object.fromEntries(all.map(({ device, before, after }) => [nameOf(device), `${before} → ${after.standing}`])),
    };
  }

  it('moves nobody by the policy that desks obey already, and judges nothing anew', async () => {
    const { summary, complete, moved } = await look(draft());
    expect(moved).toEqual({});
    expect(complete).toBe(true);
    expect(summary).toMatchObject({ reached: 6, newlyBlocked: 0, unknown: 1, neverReported: 1, silent: 1 });
    expect(summary.evidence).toEqual({ judged: 0, kept: 10, notCollected: 2, desksNotCollected: 1 });
    expect(summary.moves.blocked.blocked).toBe(1);
  });

  it('says who would be blocked by a stricter rule, and why', async () => {
    const { summary, moved } = await look(draft({ on: { degraded: 'block' } }));
    expect(moved).toEqual({ degraded: 'caution → blocked' });
    expect(summary).toMatchObject({ newlyBlocked: 1, newlyClear: 0, newlyCaution: 0 });
    expect(summary.rules[0]).toEqual({
      rule: 'network.turn-udp',
      blocks: 2,
      newlyBlocks: 1,
      warns: 0,
      notCollected: { 'never-ran': 1 },
      reasons: expect.arrayContaining([{ reason: expect.stringMatching(/^degraded\(/), desks: 1 }]),
    });
  });

  it('says who would be set free by a milder one', async () => {
    expect((await look(draft({ on: { fail: 'note', degraded: 'note', unknown: 'note' } }))).moved).toEqual({
      degraded: 'caution → clear',
      failing: 'blocked → clear',
    });
  });

  it('judges the evidence of the rule whose parameters differ, and of no other; what it cannot judge it counts apart', async () => {
    const { summary, moved } = await look(
      draft({}, { params: { warnAfterDays: 8, failAfterDays: 20 }, on: { fail: 'block', degraded: 'warn' } }),
    );
    expect(moved).toEqual({ good: 'clear → caution', partial: 'clear → undetermined', other: 'clear → undetermined' });
    // Of the failing desk, too, but it is blocked anyway.
    expect(summary).toMatchObject({ newlyBlocked: 0, newlyCaution: 1, unknown: 3 });
    expect(summary.evidence).toEqual({ judged: 3, kept: 5, notCollected: 4, desksNotCollected: 3 });
    const list = summary.rules.find(({ rule }) => rule === 'network.allowlist-freshness');
    expect(list).toMatchObject({ blocks: 1, newlyBlocks: 0, warns: 2, notCollected: { partial: 1, 'other-revision': 1, 'never-ran': 1 } });
  });

  it('opens no detail that it does not need: a seal that is broken there goes unnoticed', async () => {
    const scope = { tenant: stage.tenant, instance: stage.instance };
    const { db } = stage.database;
    const before = await db.within(scope, (tx) =>
      tx
        .selectFrom('finding')
        .select('detail_sealed')
        .where('device_id', '=', desks.good)
        .where('rule', '=', 'network.turn-udp')
        .executeTakeFirstOrThrow(),
    );
    const write = (sealed: Buffer) =>
      db.within(scope, (tx) =>
        tx
          .updateTable('finding')
          .set({ detail_sealed: sealed })
          .where('device_id', '=', desks.good)
          .where('rule', '=', 'network.turn-udp')
          .execute(),
      );
    // Sealed for another row.
    const moved = await db.within(scope, async (tx) =>
      (await stage.keyring.key(tx, scope, 'evidence')).seal(findingPlace(desks.other, 'network.turn-udp'), '{}'),
    );
    await write(moved);
    await look(draft({}, { params: { warnAfterDays: 8 } }));
    await expect(look({ ...draft(), network: { ...draft().network, turnAnswers: 'expected' } })).rejects.toThrow(/seal|open/i);
    await write(before.detail_sealed);
  });

  it('reaches the desks that the policy is assigned to, or every desk of the instance where that is asked', async () => {
    expect((await look({ ...draft(), id: 'nobody' })).summary.reached).toBe(0);
    const everywhere = await look(draft(), { reach: 'instance' });
    expect(everywhere.summary.reached).toBe(7);
    expect((await look(draft({ on: { fail: 'note' } }), { reach: 'instance' })).moved.elsewhere).toBe('blocked → clear');
    await stage.assign({ tag: ['Pilot', 'yes'] }, 99, 'pilot');
    await stage.database.db.within({ tenant: stage.tenant }, (tx) =>
      tx.updateTable('device').set({ tags: '{"Pilot":"yes"}' }).where('id', '=', desks.good).execute(),
    );
    expect((await look(draft())).summary.reached).toBe(5);
    await stage.database.db.within({ tenant: stage.tenant }, (tx) =>
      tx.updateTable('device').set({ tags: '{}' }).where('id', '=', desks.good).execute(),
    );
  });

  it('counts only what the one who asks may see, and says that it is not all', async () => {
    const control1 = control({ mode: 'named', groupId: berlin });
    const actor = actorIn(null, [profile(control1, ['Devices.View', 'Policies.View'])], { tenant: stage.tenant });
    const scoped = await look(draft({ on: { degraded: 'block', fail: 'note' } }), { actor });
    expect(scoped.summary.reached).toBe(5);
    expect(scoped.complete).toBe(false);
    expect(scoped.moved).toEqual({ degraded: 'caution → blocked' });
    const blind = actorIn(null, [profile(control(named('deleted')), ['Devices.View', 'Policies.View'])], { tenant: stage.tenant });
    expect((await look(draft(), { actor: blind })).summary.reached).toBe(0);
  });

  it('counts a waiver of the desk', async () => {
    const scope = { tenant: stage.tenant, instance: stage.instance };
    const id = '7d0c4f5e-31a4-4b86-9d07-0f3f0f1f2f3f';
    await stage.database.db.within(scope, async (tx) => {
      const key = await stage.keyring.key(tx, scope, 'identity');
      await tx
        .insertInto('waiver')
        .values({
          ...{
            tenant_id: stage.tenant,
            instance_id: stage.instance,
            id,
            device_id: desks.failing,
            group_id: null,
            rule: 'network.turn-udp',
          },
          ...{
            reason_sealed: key.seal(hostNamePlace(id), 'x'),
            requested_by: null,
            requested_at: START_ISO,
            approved_by: null,
            approved_at: START_ISO,
          },
          ...{ until: '2026-09-01T12:00:00Z', ended_by: null },
        })
        .execute();
    });
    expect((await look(draft())).moved).toEqual({ failing: 'blocked → caution' });
    await stage.database.db.within(scope, (tx) => tx.deleteFrom('waiver').where('id', '=', id).execute());
  });

  it('stops when the server does', async () => {
    await expect(look(draft(), { stop: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });
});
