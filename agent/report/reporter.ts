import type { AnyCheck } from '../../checks/check.ts';
import type { RuleId } from '../../contracts/finding.ts';
import type { SealedFields } from '../../contracts/report.ts';
import type { Verdict } from '../../contracts/verdict.ts';
import { isNews } from '../daemon/verdict-news.ts';
import { buildReport, type DeskView, type ReportDraft } from './build-report.ts';
import type { ReportKind } from './outbox-line.ts';
import { findingEssence, gateEssence } from './report-essence.ts';

/**
 * Of wall time, since the fleet counts by the day, and a laptop that is awake for a shift would take three days of awake
 * time. A clock that is set, either way and by a day, makes one report more; set back by less, it delays one by as much.
 */
const FULL_EVERY_MS = 24 * 60 * 60_000;

export interface MadeReport {
  draft: ReportDraft;
  /** To be sealed to the tenant's key. */
  restricted: SealedFields;
  kind: ReportKind;
}

export interface Reporter {
  /**
   * A report, if there is anything to tell; it then counts as told. Whoever calls waits for a burst of findings to end,
   * and for the last report to be in the outbox.
   */
  consider(view: DeskView, allowed: readonly string[]): MadeReport | null;
  /** The next `consider` makes a full report: a new epoch, the fleet wants it, or a report could not be stored. */
  demandFull(): void;
  /** The next report that there is a reason for is full: an earlier one was dropped or refused for good. */
  oweFull(): void;
}

interface Told {
  verdict: Verdict;
  gate: string;
  findings: ReadonlyMap<RuleId, string>;
  fullAtMs: number;
}

/** Remembers what was last reported, in this process only: the first report is full. */
export function createReporter({ checks, wallMs }: { checks: readonly AnyCheck[]; wallMs: () => number }): Reporter {
  let told: Told | null = null;
  let demanded = false;
  let owed = false;
  return {
    consider(view, allowed) {
      const nowMs = wallMs();
      const fresh = {
        verdict: view.verdict,
        gate: gateEssence(view.gate),
        findings: new Map(view.findings.map((finding) => [finding.rule, findingEssence(finding)])),
      };
      const changed = demanded || view.releases.length > 0 || told === null || differs(fresh, told);
      const isDue = told !== null && Math.abs(nowMs - told.fullAtMs) >= FULL_EVERY_MS;
      if (!changed && !isDue) return null;
      const full = told === null || demanded || owed || isDue || isAnew(fresh, told);
      const reported = told?.findings ?? new Map();
      const madeAt = new Date(nowMs).toISOString();
      const made = buildReport({ view, scope: full ? 'full' : 'changes', reported, madeAt, checks, allowed });
      told = { ...fresh, fullAtMs: told === null || full ? nowMs : told.fullAtMs };
      demanded = false;
      owed &&= !full;
      return { ...made, kind: changed ? 'change' : 'unchanged' };
    },
    demandFull() {
      demanded = true;
    },
    oweFull() {
      owed = true;
    },
  };
}

type Essence = Omit<Told, 'fullAtMs'>;

function differs(fresh: Essence, told: Essence): boolean {
  if (isNews(fresh.verdict, told.verdict) || fresh.gate !== told.gate || fresh.findings.size !== told.findings.size) return true;
  return [...fresh.findings].some(([rule, essence]) => told.findings.get(rule) !== essence);
}

/** Other documents, or a rule without a finding that had one: changes alone could not tell. */
function isAnew(fresh: Essence, told: Essence): boolean {
  const documents = ({ policy, allowlist }: Verdict) => JSON.stringify([policy, allowlist]);
  return documents(fresh.verdict) !== documents(told.verdict) || [...told.findings.keys()].some((rule) => !fresh.findings.has(rule));
}
