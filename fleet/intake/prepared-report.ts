import { hash } from 'node:crypto';
import type { Finding } from '../../contracts/finding.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import type { Report } from '../../contracts/report.ts';
import { findingDetail } from './finding-detail.ts';

/** A finding as it is stored, all but sealed. */
export interface PreparedFinding {
  rule: string;
  check: string;
  revision: number;
  venue: string;
  vantage: string;
  kind: Outcome['kind'];
  code: string | null;
  detail: string;
  /** All that is stored but its times, as text. */
  essence: string;
  /** In hex, two halves: what is worth a line of history, and all of `essence`. Made when it is asked for. */
  digest: () => string;
  partial: boolean;
  judged: boolean;
  observedAt: string;
  since: string;
  lastPassAt: string | null;
}

/** A report as intake needs it: parsed, digested, its texts ready to be sealed. Holds no other reference to the request. */
export interface PreparedReport {
  id: string;
  device: string;
  epoch: string;
  seq: number;
  isFull: boolean;
  madeAt: Date;
  agentVersion: string;
  standing: Report['verdict']['standing'];
  blocksAt: string | null;
  causes: string[];
  gateState: string;
  verdictDigest: string;
  /** JSON of the columns of desk_verdict. */
  verdict: { verdict: unknown; gate: unknown; allowlist: unknown; platform: string };
  findings: PreparedFinding[];
  /** Of a full report: of the whole desk. */
  findingsDigest: string | null;
  releases: Report['releases'];
  sealed: string | null;
  /** Of memory that it takes while it waits, about. */
  bytes: number;
}

/** In hex. */
const HALF_DIGEST_LENGTH = 32;
/** Evidence that this fleet cannot judge is kept for a later version, up to the size of a whole normal report. */
const MAX_UNJUDGED_BYTES = 16 * 1024;
const FIXED_BYTES = 2_000;

export function prepareReport(report: Report, knownChecks: ReadonlySet<string>): PreparedReport {
  const { verdict, gate } = report;
  const findings = report.findings.map((finding) => prepareFinding(finding, knownChecks.has(finding.check)));
  const { decidedAt: _decided, validUntil: _valid, ...lasting } = verdict;
  const { activity: _activity, ...lastingGate } = gate;
  const lastingText = JSON.stringify([lasting, lastingGate, report.allowlist.revision]);
  return {
    id: report.id,
    device: report.device,
    epoch: report.epoch,
    seq: report.seq,
    isFull: report.scope === 'full',
    madeAt: new Date(report.madeAt),
    agentVersion: report.agent.version,
    standing: verdict.standing,
    blocksAt: verdict.blocksAt,
    causes: [...new Set(verdict.causes.map(({ rule }) => rule))],
    gateState: gate.state,
    verdictDigest: digest(lastingText),
    verdict: { verdict, gate, allowlist: report.allowlist, platform: report.agent.platform },
    findings,
    findingsDigest: report.scope === 'full' ? digestOfAll(findings) : null,
    releases: report.releases,
    sealed: report.sealed,
    bytes:
      FIXED_BYTES + 2 * lastingText.length + (report.sealed?.length ?? 0) + findings.reduce((sum, { detail }) => sum + detail.length, 0),
  };
}

/** In one go, since most full reports change nothing and need no other digest. */
function digestOfAll(findings: readonly PreparedFinding[]): string {
  const sorted = [...findings].sort((a, b) => (a.rule < b.rule ? -1 : 1));
  return digest(JSON.stringify(sorted.map(({ rule, essence }) => [rule, essence])));
}

/** The part of a finding's digest that differs when there is something to tell: not for numbers and timings that differ at each run. */
export function essenceOf(digestOfFinding: string): string {
  return digestOfFinding.slice(0, HALF_DIGEST_LENGTH);
}

function prepareFinding(finding: Finding, judged: boolean): PreparedFinding {
  const { rule, check, revision, venue, vantage, outcome, since } = finding;
  let { evidence, partial } = finding;
  if (!judged && JSON.stringify(evidence ?? null).length > MAX_UNJUDGED_BYTES) [evidence, partial] = [null, true];
  const detail = findingDetail(outcome, evidence);
  const lasting = JSON.stringify([check, revision, venue, vantage, outcomeEssence(outcome), since]);
  const essence = `${lasting}${detail}${partial}${judged}`;
  let made: string | undefined;
  return {
    ...{ rule, check, revision, venue, vantage, kind: outcome.kind, code: codeOf(outcome), detail },
    ...{ essence, digest: () => (made ??= digest(lasting) + digest(essence)) },
    ...{ partial, judged, observedAt: finding.observedAt, since, lastPassAt: finding.lastPassAt },
  };
}

function digest(text: string): string {
  return hash('sha256', text, 'hex').slice(0, HALF_DIGEST_LENGTH);
}

/** As the desk itself sees it when it decides whether there is something to report. */
function outcomeEssence(outcome: Outcome): unknown {
  if (outcome.kind !== 'fail' && outcome.kind !== 'degraded') return [outcome.kind, codeOf(outcome)];
  return [outcome.kind, outcome.reason, Object.entries(outcome.args).filter(([, value]) => typeof value !== 'number')];
}

function codeOf(outcome: Outcome): string | null {
  switch (outcome.kind) {
    case 'pass':
      return null;
    case 'unknown':
      return outcome.cause;
    case 'not-applicable':
      return outcome.because;
    default:
      return outcome.reason;
  }
}
