import { catalog } from '../../../checks/catalog.ts';
import { textsFor } from '../../../checks/texts/lookup.ts';
import { type DeskEntry, DesksRequest, ShownStanding } from '../../../contracts/console/desks.ts';
import { parseUnknown } from '../../../contracts/parse.ts';
import { operatorOf } from '../../access/actor.ts';
import { listDesks } from '../../desks/list-desks.ts';
import { auditedAs } from '../audited.ts';
import { chooseTenant } from '../choose-tenant.ts';
import { type Command, type Context, one, UsageFault } from '../command.ts';
import { ago } from '../duration.ts';
import { groupByPath } from '../group-path.ts';
import { type Cell, table } from '../table.ts';

/** As many as anybody reads; --json gives more, page by page. */
const PAGE = 200;

const standings: Readonly<Record<ShownStanding, { word: string; sign: string; color: Cell['color'] }>> = {
  blocked: { word: 'blocked', sign: '✗', color: 'red' },
  undetermined: { word: 'undetermined', sign: '?', color: 'yellow' },
  caution: { word: 'caution', sign: '!', color: 'yellow' },
  clear: { word: 'clear', sign: '✓', color: 'green' },
  silent: { word: 'silent', sign: '-', color: 'dim' },
};

export const desks: Command = {
  name: 'desks',
  summary: 'who can take calls, who cannot, why and since when',
  usage: '[--standing STANDING] [--group PATH] [--json] [options]',
  help: `The worst first. A desk that has not been heard of for 15 minutes is silent, whatever it
said last.

  --standing STANDING  blocked, undetermined, caution, clear or silent
  --group PATH         only desks of this group and below, such as "EMEA/Berlin"
  --json               one JSON document: {items, next}
  --after CURSOR       of --json: the page after \`next\`
  --tenant SLUG        needed where there are several`,
  options: { standing: 'string', group: 'string', json: 'boolean', after: 'string', tenant: 'string' },
  positionals: { least: 0, most: 0 },
  async run(given, context) {
    const standing = one(given, 'standing');
    if (standing !== undefined && !ShownStanding.safeParse(standing).success) {
      throw new UsageFault(`--standing ${standing}: expected ${ShownStanding.options.join(', ')}`);
    }
    return context.withStore(async (store) => {
      const tenant = await chooseTenant(store, one(given, 'tenant'));
      const now = store.now();
      const answer = await auditedAs(store, tenant, 'desks', async (tx) => {
        const [group, after] = [one(given, 'group'), one(given, 'after')];
        const query = parseUnknown(DesksRequest, {
          limit: PAGE,
          ...(standing !== undefined && { standing }),
          ...(group !== undefined && { group: await groupByPath(tx, group) }),
          ...(after !== undefined && { after }),
        });
        if (!query.ok) throw new UsageFault(query.problems.map(({ path, message }) => `--${path.join('.')}: ${message}`).join('; '));
        return { value: await listDesks({ tx, actor: operatorOf(tenant), now }, store.keyring, query.value), targets: [] };
      });
      if (given.flags.has('json')) context.out(`${JSON.stringify(answer)}\n`);
      else context.out(pageOf(answer.items, answer.next !== null, now, context));
      return 0;
    });
  },
};

function pageOf(items: readonly DeskEntry[], isMore: boolean, now: Date, { color, columns }: Context): string {
  if (items.length === 0) return 'No desk has reported yet. Desks enrol by a ticket: deskwarden-fleet ticket create --out FILE\n';
  const rows = items.map((item): Cell[] => {
    const { word, sign, color: tone } = standings[item.standing];
    return [
      { text: `${sign} ${word}`, color: tone },
      { text: item.hostName },
      { text: item.group?.name ?? '', color: 'dim' },
      { text: ago(new Date(item.since), now) },
      { text: item.heardAt === null ? 'never' : ago(new Date(item.heardAt), now) },
      { text: whyOf(item) },
    ];
  });
  const counts = ShownStanding.options.flatMap((standing) => {
    const count = items.filter((item) => item.standing === standing).length;
    return count === 0 ? [] : [`${count} ${standings[standing].word}`];
  });
  const more = isMore ? `\nThe first ${items.length}; narrow it by --standing or --group.` : '';
  return `${table(['Standing', 'Desk', 'Group', 'Since', 'Heard', 'Why'], rows, { color, columns })}\n${counts.join(', ')}${more}\n`;
}

/** The first cause explains the others. */
function whyOf({ causes, duplicateSuspectedAt, blocksAt }: DeskEntry): string {
  const texts = textsFor('en');
  const titles = causes.map((rule) => (catalog.some(({ id }) => id === rule) ? texts.title(rule) : rule));
  const [first = '', ...others] = titles;
  const parts = [others.length > 0 ? `${first}, and ${others.length} more` : first];
  if (blocksAt !== null) parts.push(`blocks at ${blocksAt.slice(11, 16)} UTC`);
  if (duplicateSuspectedAt !== null) parts.push('two computers with one identity?');
  return parts.filter(Boolean).join('; ');
}
