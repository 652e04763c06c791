import { open } from 'node:fs/promises';
import { TicketRequest } from '../../../contracts/console/enrolment.ts';
import { parseUnknown } from '../../../contracts/parse.ts';
import { operatorOf } from '../../access/actor.ts';
import { openSigningKeys } from '../../documents/signing-keys.ts';
import { readAuthority } from '../../enrolment/authority/read-authority.ts';
import { ticketText } from '../../enrolment/ticket-text.ts';
import { createTicket } from '../../enrolment/tickets.ts';
import { auditedAs } from '../audited.ts';
import { chooseInstance, chooseTenant } from '../choose-tenant.ts';
import { type Command, one, UsageFault } from '../command.ts';
import { seconds } from '../duration.ts';
import { groupByPath } from '../group-path.ts';

/** The operator of the server may make them for a roll-out; the API caps them at a day. */
const MOST_LIFE_SEC = 7 * 86_400;

export const ticketCreate: Command = {
  name: 'ticket create',
  summary: 'make a ticket by which desks enrol',
  usage: '--out FILE|- [options]',
  help: `Writes the ticket to FILE, readable by its owner alone, or to standard output for "-".
Give it to desks by MDM as a file: deskwarden enrol --server URL --ticket-file FILE

  --out FILE|-         where to write it
  --uses N             desks that may enrol by it (1)
  --expires DURATION   such as 30m, 8h, 3d; at most 7d (24h)
  --cidr NETWORK       desks must call from there; may be given more than once
  --group PATH         their group, such as "EMEA/Berlin/Claims"
  --tag KEY=VALUE      a tag of theirs; may be given more than once
  --approve HOW        automatic, or manual: a person lets each desk in
  --instance ALIAS     needed where there are several
  --tenant SLUG        needed where there are several`,
  options: {
    out: 'string',
    uses: 'string',
    expires: 'string',
    cidr: 'strings',
    group: 'string',
    tag: 'strings',
    approve: 'string',
    instance: 'string',
    tenant: 'string',
  },
  positionals: { least: 0, most: 0 },
  async run(given, context) {
    const out = one(given, 'out');
    if (out === undefined) throw new UsageFault('--out FILE is missing ("-" for standard output)');
    return context.withStore(async (store) => {
      const tenant = await chooseTenant(store, one(given, 'tenant'));
      const keys = await openSigningKeys(store);
      const ca = await readAuthority(store.db);
      const [firstKey] = keys.trusted();
      if (ca === null || !firstKey) throw new UsageFault('the server has not been started yet: its authority is made at the first start');
      const { ticket, secret } = await auditedAs(store, tenant, 'ticket create', async (tx) => {
        const { id: instance } = await chooseInstance(tx, one(given, 'instance'));
        const group = one(given, 'group');
        const asked = parseUnknown(TicketRequest, {
          instance,
          maxUses: Number(one(given, 'uses') ?? 1),
          expiresInSec: seconds(one(given, 'expires') ?? '24h'),
          cidrs: given.values.get('cidr') ?? [],
          group: group === undefined ? null : await groupByPath(tx, group),
          tags: tagsOf(given.values.get('tag') ?? []),
          ...(one(given, 'approve') !== undefined && { approval: one(given, 'approve') }),
        });
        if (!asked.ok) throw new UsageFault(asked.problems.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
        const made = await createTicket({ tx, actor: operatorOf(tenant), now: store.now() }, asked.value, MOST_LIFE_SEC);
        return { value: made, targets: [{ type: 'ticket', id: made.ticket.id }] };
      });
      await write(out, ticketText(secret, ca, firstKey), context.out);
      const how = ticket.approval === 'automatic' ? 'let in at once' : 'waiting for a person to let them in';
      context.err(`Ticket ${ticket.id}: ${ticket.maxUses} desk(s), ${how}, until ${ticket.expiresAt}.\n`);
      return 0;
    });
  },
};

function tagsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageFault(`--tag ${pair}: expected KEY=VALUE`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Never over a file that is there: it may be somebody's, and readable by all. */
async function write(out: string, text: string, print: (text: string) => void): Promise<void> {
  if (out === '-') return print(`${text}\n`);
  const file = await open(out, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new UsageFault(error.code === 'EEXIST' ? `${out} exists already` : `${out} cannot be written: ${error.code}`);
  });
  try {
    await file.writeFile(`${text}\n`);
  } finally {
    await file.close();
  }
}
