import { readFile } from 'node:fs/promises';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { catalog } from '../../../checks/catalog.ts';
import type { PreviewSummary } from '../../../contracts/console/rejudge.ts';
import { Policy } from '../../../contracts/policy.ts';
import { operatorOf } from '../../access/actor.ts';
import { readInstance } from '../../documents/document-rows.ts';
import { readPolicyText, readRevision, storeRevision } from '../../policies/revisions.ts';
import { preview } from '../../rejudge/preview.ts';
import { beginPreview, endPreview, keepMoved, listMoved } from '../../rejudge/preview-rows.ts';
import { auditedAs } from '../audited.ts';
import { chooseInstance, chooseTenant } from '../choose-tenant.ts';
import { type Command, one, UsageFault } from '../command.ts';
import { type Cell, table } from '../table.ts';

/** As many as anybody reads here; the API lists them all. */
const LISTED = 50;

export const policyPreview: Command = {
  name: 'policy preview',
  summary: 'who would be blocked by a policy, and why, before it is published',
  usage: 'FILE [--reach assigned|instance] [--json] [options]',
  help: `Stores FILE as a draft and judges what desks have told by it, with the code that ran on
them. What a desk never collected counts apart.

  --reach WHICH        assigned: desks that the policy is assigned to (default);
                       instance: every desk, for a policy that is assigned to none yet
  --json               one JSON document
  --instance ALIAS     needed where there are several
  --tenant SLUG        needed where there are several

Exit status 1 where desks would newly be blocked.`,
  options: { reach: 'string', json: 'boolean', instance: 'string', tenant: 'string' },
  positionals: { least: 1, most: 1 },
  async run(given, context) {
    const [file = ''] = given.positionals;
    const reach = one(given, 'reach') ?? 'assigned';
    if (reach !== 'assigned' && reach !== 'instance') throw new UsageFault(`--reach ${reach}: expected assigned or instance`);
    const source = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new UsageFault(`${file} cannot be read: ${error.code}`);
    });
    return context.withStore(async (store) => {
      const { db, keyring, now } = store;
      const tenant = await chooseTenant(store, one(given, 'tenant'));
      const draft = await auditedAs(store, tenant, 'policy preview', async (tx) => {
        const instance = await readInstance(tx, (await chooseInstance(tx, one(given, 'instance'))).id);
        if (!instance) throw new UsageFault('the instance is gone');
        const read = readPolicyText(source, instance, { checks: catalog, allowlist: bundledAllowlist });
        if (!read.ok) {
          throw new UsageFault(
            read.problems.map(({ line, column, key, message }) => `${file}:${line}:${column}: ${key} ${message}`).join('\n'),
          );
        }
        const policy = read.file.id;
        const { revision } = await storeRevision(tx, instance, { file: read.file, source, checks: catalog, by: null, now: now() });
        const row = await readRevision(tx, instance.id, policy, revision);
        if (!row) throw new Error('the draft is gone');
        const owner = { tenant, instance: instance.id };
        const id = await beginPreview(tx, { ...owner, policy, hash: row.content_hash, by: null, now: now() });
        return { value: { id, instance: instance.id, policy: Policy.parse(row.resolved) }, targets: [{ type: 'policy', id: policy }] };
      });
      const owner = { tenant, instance: draft.instance };
      const actor = operatorOf(tenant);
      context.err('Judging what desks have told ...\n');
      const ask = { ...owner, policy: draft.policy, reach, actor, stop: context.stopped } as const;
      const result = await preview({ db, keyring, now, shipped: bundledAllowlist }, ask, (tx, moved) =>
        keepMoved(tx, owner, draft.id, moved),
      ).catch(async (error) => {
        await db.within(owner, (tx) => endPreview(tx, draft.id, null));
        throw error;
      });
      const blocked = await db.within(owner, async (tx) => {
        await endPreview(tx, draft.id, result);
        return listMoved(tx, keyring, actor, draft.id, { limit: LISTED, after: null, standing: 'blocked' });
      });
      const { summary } = result;
      if (given.flags.has('json')) context.out(`${JSON.stringify({ preview: draft.id, summary, blocked })}\n`);
      else {
        context.out(said(draft.id, summary));
        const rows = blocked.map((desk): Cell[] => [
          { text: desk.hostName },
          { text: desk.before },
          { text: desk.why.map(({ rule }) => rule).join(', ') },
        ]);
        if (rows.length > 0) context.out(`\n${table(['Desk', 'Now', 'Blocked by'], rows, context)}`);
        if (summary.newlyBlocked > rows.length) context.out(`and ${summary.newlyBlocked - rows.length} more\n`);
      }
      return summary.newlyBlocked > 0 ? 1 : 0;
    });
  },
};

function said(id: string, { reached, newlyBlocked, newlyClear, newlyCaution, unknown, neverReported, silent }: PreviewSummary): string {
  return `Reaches ${reached} desk(s).
  newly blocked  ${newlyBlocked}
  newly caution  ${newlyCaution}
  newly clear    ${newlyClear}
  cannot be told ${unknown} (never reported: ${neverReported}; silent for a day: ${silent})

To publish it: deskwarden-fleet policy push FILE --publish --preview ${id} --accept ${newlyBlocked}
`;
}
