import type { CheckId, RuleId } from '../contracts/finding.ts';
import type { Cause } from '../contracts/verdict.ts';

/** A rule that counts, with what it enforces now. `blind`: its outcome is `unknown`. */
export type Hit = Omit<Cause, 'explains'> & { blind: boolean };
export type Needs = ReadonlyMap<CheckId, readonly CheckId[]>;

/** How much a hit weighs: note, warn, block in its grace, block. */
export type Severity = 0 | 1 | 2 | 3;

export function severityOf(hit: Hit): Severity {
  if (hit.enforcement === 'note') return 0;
  if (hit.enforcement === 'warn') return 1;
  return hit.blocksAt === null ? 3 : 2;
}

/**
 * Lists each hit under the root cause that explains it, along `needs` and also across checks that are fine. What could not
 * be looked at explains only what could not be looked at either: it is no reason for a failure.
 * `hits` are in policy order; where two roots explain a hit, or two checks need each other, the first is the cause.
 */
export function foldCauses(hits: readonly Hit[], needs: Needs): Cause[] {
  const ranked = hits.map((hit, order) => ({ hit, order, reaches: reachableFrom(hit.check, needs) }));
  type Ranked = (typeof ranked)[number];
  const explains = (cause: Ranked, other: Ranked) =>
    cause !== other &&
    other.reaches.has(cause.hit.check) &&
    (other.hit.blind || !cause.hit.blind) &&
    (!cause.reaches.has(other.hit.check) || cause.order < other.order);

  const roots = ranked.filter((one) => !ranked.some((other) => explains(other, one)));
  const explained = new Map<Ranked, Hit[]>(roots.map((root) => [root, []]));
  for (const one of ranked) {
    const root = roots.find((candidate) => explains(candidate, one));
    if (root) explained.get(root)?.push(one.hit);
  }
  return [...explained]
    .map(([{ order, hit }, others]) => {
      const { blind: _, ...cause } = hit;
      const severity = Math.max(...[hit, ...others].map(severityOf));
      return { order, severity, cause: { ...cause, explains: others.map((other): RuleId => other.rule) } };
    })
    .sort((a, b) => b.severity - a.severity || b.cause.explains.length - a.cause.explains.length || a.order - b.order)
    .map(({ cause }) => cause);
}

/** Everything a check needs, directly or not. A check is among them only when needs form a circle. */
function reachableFrom(check: CheckId, needs: Needs): ReadonlySet<CheckId> {
  const reached = new Set<CheckId>(needs.get(check));
  for (const next of reached) {
    for (const further of needs.get(next) ?? []) reached.add(further);
  }
  return reached;
}
