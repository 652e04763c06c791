import { readFile } from 'node:fs/promises';
import { bundledAllowlist } from '../../../checks/allowlist/bundled.ts';
import { catalog } from '../../../checks/catalog.ts';
import { readInstance } from '../../documents/document-rows.ts';
import { openSigningKeys } from '../../documents/signing-keys.ts';
import { assignPolicy } from '../../policies/assign.ts';
import { readAssignments } from '../../policies/assigned-policy.ts';
import { publishedPolicies } from '../../policies/policy-content.ts';
import { publishRevision } from '../../policies/publish.ts';
import { readPolicyText, storeRevision } from '../../policies/revisions.ts';
import type { Store } from '../../store.ts';
import { auditedAs } from '../audited.ts';
import { chooseInstance, chooseTenant } from '../choose-tenant.ts';
import { type Command, type Given, one, UsageFault } from '../command.ts';

export const policyPush: Command = {
  name: 'policy push',
  summary: 'store a policy file as a new revision; publish and assign it',
  usage: 'FILE [--publish [--preview ID --accept N]] [--assign] [options]',
  help: `Stores FILE (YAML or JSON, "-" for standard input) as a draft. Nothing happens where the newest
revision says the same.

  --publish            sign it: desks that it is assigned to obey it from then on
  --preview ID, --accept N
                       a policy that begins to enforce, or would newly block more than 5 % of its
                       desks, is published with the number that \`policy preview\` printed
  --assign             to every desk of the instance, with the lowest priority, where nothing is
  --accept-desks N     of --assign: how many desks come under a policy that enforces
  --instance ALIAS     needed where there are several
  --tenant SLUG        needed where there are several`,
  options: {
    publish: 'boolean',
    assign: 'boolean',
    preview: 'string',
    accept: 'string',
    'accept-desks': 'string',
    instance: 'string',
    tenant: 'string',
  },
  positionals: { least: 1, most: 1 },
  async run(given, context) {
    const [file = ''] = given.positionals;
    const source = file === '-' ? await context.readStdin() : await readFile(file, 'utf8').catch(unreadable(file));
    return context.withStore(async (store) => {
      const tenant = await chooseTenant(store, one(given, 'tenant'));
      const lines = await auditedAs(store, tenant, 'policy push', async (tx) => {
        const chosen = await chooseInstance(tx, one(given, 'instance'));
        const instance = await readInstance(tx, chosen.id);
        if (!instance) throw new UsageFault('the instance is gone');
        const read = readPolicyText(source, instance, { checks: catalog, allowlist: bundledAllowlist });
        if (!read.ok) {
          throw new UsageFault(
            read.problems.map(({ line, column, key, message }) => `${file}:${line}:${column}: ${key} ${message}`).join('\n'),
          );
        }
        const policy = read.file.id;
        const { revision, changed } = await storeRevision(tx, instance, {
          file: read.file,
          source,
          checks: catalog,
          by: null,
          now: store.now(),
        });
        const said = [`Policy ${policy}: ${changed ? `revision ${revision} stored` : `revision ${revision} says the same already`}.`];
        if (given.flags.has('publish')) said.push(await publish(store, tx, instance, given, policy, revision));
        if (given.flags.has('assign')) said.push(await assign(tx, instance, given, policy, store.now()));
        return { value: said, targets: [{ type: 'policy', id: policy }] };
      });
      context.out(`${lines.join('\n')}\n`);
      return 0;
    });
  },
};

type Tx = Parameters<typeof publishRevision>[1];
type DocumentInstance = Parameters<typeof publishRevision>[2];

async function publish(store: Store, tx: Tx, instance: DocumentInstance, given: Given, policy: string, revision: number): Promise<string> {
  const published = (await publishedPolicies(tx, instance.id, [policy])).get(policy);
  if (published?.revision === revision) return `Revision ${revision} is published already.`;
  const [preview, accept] = [one(given, 'preview'), one(given, 'accept')];
  if ((preview === undefined) !== (accept === undefined)) throw new UsageFault('--preview and --accept go together');
  const keys = await openSigningKeys(store);
  const document = await publishRevision({ keys, keyring: store.keyring, now: store.now }, tx, instance, {
    policy,
    revision,
    accept: preview === undefined ? undefined : { preview, blocks: Number(accept) },
    by: null,
  });
  return document === null ? `Revision ${revision} waits for its signature: see policy sign.` : `Published, as document ${document}.`;
}

async function assign(tx: Tx, instance: DocumentInstance, given: Given, policy: string, now: Date): Promise<string> {
  const before = await readAssignments(tx, instance.id);
  if (before.some((other) => other.policy === policy && other.group === null && other.tag === null)) {
    return 'Assigned to every desk of the instance already.';
  }
  const priority = Math.min(0, ...before.map((other) => other.priority - 1));
  if (priority < 0) throw new UsageFault('another assignment has the lowest priority: assign it through the API');
  const accepted = one(given, 'accept-desks');
  const acceptDesks = accepted === undefined ? undefined : Number(accepted);
  await assignPolicy(tx, instance, { policy, target: { kind: 'all' }, priority, acceptDesks }, now);
  return 'Assigned to every desk of the instance.';
}

function unreadable(file: string) {
  return (error: NodeJS.ErrnoException): never => {
    throw new UsageFault(`${file} cannot be read: ${error.code}`);
  };
}
