import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Actor, LevelCondition } from './actor.ts';
import { type Reach, scopeOf, type Term } from './decide.ts';
import { type Permission, permissions } from './permission.ts';

type Condition = RawBuilder<SqlBool>;

// How a table tells the group and the tags that a decision looks at.
interface Subject {
  /** True where the row's effective group is one that the subquery gives. */
  groupIn(groups: RawBuilder<unknown>): Condition;
  tags: RawBuilder<unknown>;
}

const never: Condition = sql<SqlBool>`false`;
const always: Condition = sql<SqlBool>`true`;

/**
 * Which rows of `device` the actor may use the permission on: the SQL of `may`. The table must go by `alias` in the query.
 * Groups and owners become hashed subplans, made once a statement and probed a row: an array that is made by the statement
 * would be searched from end to end for each desk.
 */
export function deviceFilter(actor: Actor, permission: Permission, alias = 'device'): Condition {
  ensureType(permission, 'Device');
  const owner = sql.ref(`${alias}.owner_id`);
  const group = sql.ref(`${alias}.group_id`);
  return filterOf(actor, permission, {
    // Of an owned desk its owner's group counts, even where the owner has none.
    groupIn: (groups) =>
      sql<SqlBool>`((${owner} is null and ${group} in ${groups}) or ${owner} in (
        select scope_account.id from account as scope_account where scope_account.group_id in ${groups}))`,
    tags: sql.ref(`${alias}.tags`),
  });
}

/** Which rows of `account` the actor may use the permission on: the SQL of `may`. */
export function userFilter(actor: Actor, permission: Permission, alias = 'account'): Condition {
  ensureType(permission, 'User');
  const group = sql.ref(`${alias}.group_id`);
  return filterOf(actor, permission, {
    groupIn: (groups) => sql<SqlBool>`${group} in ${groups}`,
    tags: sql.ref(`${alias}.tags`),
  });
}

function ensureType(permission: Permission, type: 'Device' | 'User'): void {
  if (permissions[permission].type !== type) throw new TypeError(`${permission} is not decided on a ${type}`);
}

function filterOf(actor: Actor, permission: Permission, subject: Subject): Condition {
  const { view, asked, levels } = scopeOf(actor, permission);
  const conditions = [
    ...(view ? [reachSql(view, subject)] : []),
    reachSql(asked, subject),
    ...levels.map((condition) => subject.groupIn(groupsAtLevel(condition))),
  ];
  return allOf(conditions);
}

function reachSql(reach: Reach, subject: Subject): Condition {
  if (reach.kind === 'nothing') return never;
  if (reach.kind === 'everything') return always;
  return anyOf(reach.terms.map((term) => termSql(term, subject)));
}

function termSql({ under, tags }: Term, subject: Subject): Condition {
  return allOf([
    ...(under === null ? [] : [subject.groupIn(groupsUnder(under))]),
    ...(Object.keys(tags).length === 0 ? [] : [sql<SqlBool>`${subject.tags} @> ${JSON.stringify(tags)}::jsonb`]),
  ]);
}

function groupsUnder(root: string): RawBuilder<unknown> {
  return sql`(select scope_group.id from hierarchy_group as scope_group where scope_group.path @> array[${root}]::uuid[])`;
}

function groupsAtLevel({ level, group }: LevelCondition): RawBuilder<unknown> {
  return sql`(select scope_group.id from hierarchy_group as scope_group where scope_group.path[${sql.lit(level)}] = ${group}::uuid)`;
}

// A condition that holds for every row, or for none, is left out or settles it: the planner estimates what is written.
function allOf(conditions: readonly Condition[]): Condition {
  if (conditions.includes(never)) return never;
  const open = conditions.filter((condition) => condition !== always);
  if (open.length === 0) return always;
  return sql<SqlBool>`(${sql.join(open, sql` and `)})`;
}

function anyOf(conditions: readonly Condition[]): Condition {
  if (conditions.includes(always)) return always;
  const open = conditions.filter((condition) => condition !== never);
  if (open.length === 0) return never;
  return sql<SqlBool>`(${sql.join(open, sql` or `)})`;
}
