import type { Tx } from '../db/tenancy.ts';
import { UsageFault } from './command.ts';

/** The group that a path of names leads to, from the first level on: `EMEA/Berlin/Claims`. */
export async function groupByPath(tx: Tx, path: string): Promise<string> {
  let parent: string | null = null;
  for (const name of path.split('/')) {
    const found: { id: string } | undefined = await tx
      .selectFrom('hierarchy_group')
      .select('id')
      .where('name', '=', name)
      .where('parent_id', parent === null ? 'is' : '=', parent)
      .executeTakeFirst();
    if (!found) throw new UsageFault(`there is no group "${name}"${parent === null ? ' on the first level' : ` in "${path}"`}`);
    parent = found.id;
  }
  if (parent === null) throw new UsageFault('the path of the group is empty');
  return parent;
}
