import { afterAll, beforeAll, expect, it } from 'vitest';
import { contentHash } from '../../../fleet/documents/content-hash.ts';
import { latestRevisions } from '../../../fleet/documents/desk-orders.ts';
import { issueDocument } from '../../../fleet/documents/issue.ts';
import { openStage, type Stage } from './open-stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

it('two replicas that issue at a time give no number twice, and one document where both want the same', async () => {
  const replicas = [await stage.replica(), await stage.replica()];
  const said = (name: string) => ({
    kind: 'policy' as const,
    audience: name,
    hash: contentHash(name),
    body: (revision: number) => ({ name, revision }),
  });
  const names = Array.from({ length: 12 }, (_, at) => `p-${at % 6}`);
  const issued = await Promise.all(
    names.flatMap((name) =>
      replicas.map(({ db, deps }) => db.within({ tenant: stage.tenant }, (tx) => issueDocument(deps, tx, stage.instance, said(name)))),
    ),
  );
  expect(new Set(issued)).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  const rows = await stage.within((tx) => tx.selectFrom('signed_document').select('revision').orderBy('revision').execute());
  expect(rows.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5, 6]);
});

it('two replicas that are asked for the same overtaken desks issue one document', async () => {
  const replicas = [await stage.replica(), await stage.replica()];
  await stage.publish('floor');
  await stage.assign('floor', { kind: 'all' }, 1);
  const desks = await Promise.all(Array.from({ length: 6 }, () => stage.addDesk()));
  const held = { policy: 40, allowlist: 0, waivers: 0, sealing: 0, keys: 0 };
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, at) => replicas[at % 2]).map((replica) =>
      replica?.db.within({ tenant: stage.tenant }, (tx) =>
        latestRevisions(
          replica.deps,
          tx,
          stage.instance.id,
          desks.map((id) => ({ id, held })),
        ),
      ),
    ),
  );
  expect(new Set(answers.flatMap((answer) => [...(answer ?? new Map()).values()].map(({ policy }) => policy)))).toEqual(new Set([41]));
});
