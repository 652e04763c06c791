import { hash } from 'node:crypto';
import type { Finding } from '../../contracts/finding.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import type { Report } from '../../contracts/report.ts';
import { findingDetail } from './finding-detail.ts';
import { sealedTo } from './read-sealed.ts';

/** A finding as it is stored, all but sealed. Its detail and its digest are made when they are asked for. */
export interface PreparedFinding {
  rule: string;
  check: string;
  revision: number;
  venue: string;
  vantage: string;
  kind: Outcome['kind'];
  code: string | null;
  detail(): string;
  /** In hex, two halves: what is worth a line of history, and all that is stored but its times. */
  digest(): string;
  partial: boolean;
  judged: boolean;
  observedAt: string;
  since: string;
  lastPassAt: string | null;
}

/** A report as intake needs it: parsed and digested. Holds no other reference to the request. */
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
  findingCount: number;
  /**
   * Made anew by each call, out of one text: most full reports change nothing, and while they wait a text costs the memory's upkeep
   * far less than the hundreds of objects that it tells of.
   */
  findings(): PreparedFinding[];
  /** Of a full report: of the whole desk. */
  findingsDigest: string | null;
  releases: Report['releases'];
  /** `to`: id of the key, null where that cannot be told; `jwe`: nothing then, since it is not stored. */
  sealed: { to: string | null; jwe: string | null } | null;
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
  const lastingFindings = report.findings.map((finding) => lastingOf(finding, knownChecks.has(finding.check))).sort(byRule);
  const findingsText = JSON.stringify(lastingFindings);
  const timesText = JSON.stringify(
    report.findings.map(({ rule, observedAt, lastPassAt }): Times => [rule, observedAt, lastPassAt]).sort(byRule),
  );
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
    findingCount: report.findings.length,
    findings: () => readFindings(findingsText, timesText),
    findingsDigest: report.scope === 'full' ? digest(findingsText) : null,
    releases: report.releases,
    sealed: report.sealed === null ? null : readSealed(report.sealed),
    bytes: FIXED_BYTES + 2 * lastingText.length + findingsText.length + timesText.length + (report.sealed?.length ?? 0),
  };
}

/** The part of a finding's digest that differs when there is something to tell: not for numbers and timings that differ at each run. */
export function essenceOf(digestOfFinding: string): string {
  return digestOfFinding.slice(0, HALF_DIGEST_LENGTH);
}

/** All that is stored of a finding but times that differ at each run. */
type Lasting = [
  rule: string,
  check: string,
  revision: number,
  venue: string,
  vantage: string,
  since: string,
  outcome: Outcome,
  evidence: unknown,
  partial: boolean,
  judged: boolean,
];
type Times = [rule: string, observedAt: string, lastPassAt: string | null];

function readSealed(jwe: string): PreparedReport['sealed'] {
  const to = sealedTo(jwe);
  return { to, jwe: to === null ? null : jwe };
}

function byRule([a]: Lasting | Times, [b]: Lasting | Times): number {
  return a < b ? -1 : 1;
}

function lastingOf(finding: Finding, judged: boolean): Lasting {
  const { rule, check, revision, venue, vantage, since, outcome, evidence, partial } = finding;
  if (!judged && JSON.stringify(evidence ?? null).length > MAX_UNJUDGED_BYTES)
    return [rule, check, revision, venue, vantage, since, outcome, null, true, judged];
  return [rule, check, revision, venue, vantage, since, outcome, evidence, partial, judged];
}

/** Both texts are in the same order. */
function readFindings(findingsText: string, timesText: string): PreparedFinding[] {
  const times = JSON.parse(timesText) as Times[];
  return (JSON.parse(findingsText) as Lasting[]).map((lasting, index) => prepareFinding(lasting, times[index]));
}

function prepareFinding(lasting: Lasting, [, observedAt = '', lastPassAt = null]: Partial<Times> = []): PreparedFinding {
  const [rule, check, revision, venue, vantage, since, outcome, evidence, partial, judged] = lasting;
  let made: string | undefined;
  return {
    rule,
    check,
    revision,
    venue,
    vantage,
    kind: outcome.kind,
    code: codeOf(outcome),
    detail: () => findingDetail(outcome, evidence),
    digest() {
      made ??= digest(JSON.stringify([check, revision, venue, vantage, outcomeEssence(outcome), since])) + digest(JSON.stringify(lasting));
      return made;
    },
    partial,
    judged,
    observedAt,
    since,
    lastPassAt,
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
