import type { PreviewSummary } from '../../contracts/console/rejudge.ts';
import type { Standing } from '../../contracts/verdict.ts';
import type { Rejudged } from './rejudge-desk.ts';

/** Rules and reasons of a policy are few; of a stranger's rows nobody knows. */
const MAX_REASONS = 20;
const MAX_RULES = 200;

interface RuleCount {
  blocks: number;
  newlyBlocks: number;
  warns: number;
  notCollected: Record<string, number>;
  reasons: Map<string, number>;
}

export interface TalliedDesk {
  before: Standing;
  after: Rejudged;
  neverReported: boolean;
  silent: boolean;
}

/** Counts desks one by one, in memory that does not grow with their number. */
export function startTally() {
  const moves: Record<Standing, Record<Standing, number>> = { clear: row(), caution: row(), blocked: row(), undetermined: row() };
  const rules = new Map<string, RuleCount>();
  const totals = { reached: 0, neverReported: 0, silent: 0, judged: 0, kept: 0, notCollected: 0, desksNotCollected: 0 };

  return {
    add({ before, after, neverReported, silent }: TalliedDesk): void {
      totals.reached += 1;
      totals.neverReported += Number(neverReported);
      totals.silent += Number(silent);
      totals.judged += after.judged;
      totals.kept += after.kept;
      totals.notCollected += after.notCollected.length;
      totals.desksNotCollected += Number(after.notCollected.length > 0);
      moves[before][after.standing] += 1;
      for (const { rule, enforcement, code, kind } of after.why) {
        const count = countOf(rule);
        if (!count) continue;
        if (enforcement === 'block') {
          count.blocks += 1;
          if (before !== 'blocked') count.newlyBlocks += 1;
        } else if (enforcement === 'warn') count.warns += 1;
        const reason = `${kind}(${code ?? ''})`;
        if (count.reasons.has(reason) || count.reasons.size < MAX_REASONS) count.reasons.set(reason, (count.reasons.get(reason) ?? 0) + 1);
      }
      for (const { rule, because } of after.notCollected) {
        const count = countOf(rule);
        if (count) count.notCollected[because] = (count.notCollected[because] ?? 0) + 1;
      }
    },

    summary(): PreviewSummary {
      const became = (standing: Standing) =>
        (Object.keys(moves) as Standing[]).reduce((sum, before) => sum + (before === standing ? 0 : moves[before][standing]), 0);
      return {
        reached: totals.reached,
        newlyBlocked: became('blocked'),
        newlyClear: became('clear'),
        newlyCaution: became('caution'),
        unknown: Object.values(moves).reduce((sum, to) => sum + to.undetermined, 0),
        moves,
        neverReported: totals.neverReported,
        silent: totals.silent,
        evidence: {
          judged: totals.judged,
          kept: totals.kept,
          notCollected: totals.notCollected,
          desksNotCollected: totals.desksNotCollected,
        },
        rules: [...rules]
          .map(([rule, { reasons, ...count }]) => ({
            rule,
            ...count,
            reasons: [...reasons].sort((a, b) => b[1] - a[1]).map(([reason, desks]) => ({ reason, desks })),
          }))
          .sort((a, b) => b.newlyBlocks - a.newlyBlocks || b.blocks - a.blocks || b.warns - a.warns || (a.rule < b.rule ? -1 : 1)),
      };
    },
  };

  function countOf(rule: string): RuleCount | null {
    const known = rules.get(rule);
    if (known) return known;
    if (rules.size >= MAX_RULES) return null;
    const made: RuleCount = { blocks: 0, newlyBlocks: 0, warns: 0, notCollected: {}, reasons: new Map() };
    rules.set(rule, made);
    return made;
  }
}

function row(): Record<Standing, number> {
  return { clear: 0, caution: 0, blocked: 0, undetermined: 0 };
}
