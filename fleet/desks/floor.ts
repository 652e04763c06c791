import { sql } from 'kysely';
import type { FloorAnswer, FloorRequest, ShownStanding, StandingCounts } from '../../contracts/console/desks.ts';
import { deviceFilter } from '../access/filter.ts';
import { underGroup } from './list-desks.ts';
import { type Reading, silentBefore, stateOfDevice, visible } from './shown-desk.ts';

/** Desks that are alike, of which there are few kinds. */
interface Cell {
  group: string | null;
  standing: ShownStanding;
  /** Of desks that are heard and not clear. */
  causes: string[] | null;
  desks: number;
}

const MAX_CAUSES = 20;

/** Who can take calls, over the desks that the actor may see and may see here. */
export async function readFloor(reading: Reading, { group }: FloorRequest): Promise<FloorAnswer> {
  const { tx, actor, now } = reading;
  const heardSince = silentBefore(now);
  const mine = sql`${visible(reading)} and ${deviceFilter(actor, 'LiveBoard.Access', 'd')}
    and ${group === undefined ? sql`true` : underGroup(group)}`;
  // Room for a hundred thousand desks side by side: with the default they would be joined and sorted on the disk.
  await sql`select set_config('work_mem', '32MB', true)`.execute(tx);
  const { rows: cells } = await sql<Cell>`
    select case when d.owner_id is null then d.group_id else a.group_id end as "group",
      case when s.heard_at >= ${heardSince} then s.standing else 'silent' end as standing,
      case when s.heard_at >= ${heardSince} and s.severity < 3 then s.causes end as causes, count(*)::int as desks
    from ${stateOfDevice} left join account a on a.tenant_id = d.tenant_id and a.id = d.owner_id
    where ${mine} group by 1, 2, 3`.execute(tx);
  const groups = await tx
    .selectFrom('hierarchy_group')
    .select(['id', 'name', 'parent_id', 'path'])
    .where('tenant_id', '=', actor.tenant)
    .execute();
  return { at: now.toISOString(), ...countUp(cells, groups), causes: topCauses(cells) };
}

interface GroupRow {
  id: string;
  name: string;
  parent_id: string | null;
  path: string[];
}

/** A desk counts in its group and in each above. */
function countUp(cells: readonly Cell[], groups: readonly GroupRow[]): Pick<FloorAnswer, 'total' | 'groups' | 'ungrouped'> {
  const byId = new Map(groups.map((group) => [group.id, { group, counts: none() }]));
  const [total, ungrouped] = [none(), none()];
  for (const { group, standing, desks } of cells) {
    total[standing] += desks;
    const path = group === null ? undefined : byId.get(group)?.group.path;
    if (path === undefined) ungrouped[standing] += desks;
    for (const id of path ?? []) {
      const found = byId.get(id);
      if (found) found.counts[standing] += desks;
    }
  }
  const shown = [...byId.values()].filter(({ counts }) => Object.values(counts).some((count) => count > 0));
  shown.sort((a, b) => a.group.path.length - b.group.path.length || (a.group.name < b.group.name ? -1 : 1));
  return {
    total,
    ungrouped,
    groups: shown.map(({ group: { id, name, parent_id }, counts }) => ({ id, name, parent: parent_id, counts })),
  };
}

function none(): StandingCounts {
  return { blocked: 0, undetermined: 0, caution: 0, clear: 0, silent: 0 };
}

function topCauses(cells: readonly Cell[]): FloorAnswer['causes'] {
  const counts = new Map<string, number>();
  for (const { causes, desks } of cells) for (const rule of causes ?? []) counts.set(rule, (counts.get(rule) ?? 0) + desks);
  return [...counts]
    .map(([rule, desks]) => ({ rule, desks }))
    .sort((a, b) => b.desks - a.desks || (a.rule < b.rule ? -1 : 1))
    .slice(0, MAX_CAUSES);
}
