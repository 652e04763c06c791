import { type DeskMemory, type EpochMemory, type StandingLine, silenceBefore } from './desk-memory.ts';
import { essenceOf, type PreparedFinding, type PreparedReport } from './prepared-report.ts';

/** Retries come at once, so that few suffice; an older report that comes again is refused, and its desk begins a new epoch. */
const MAX_RECENT = 8;
/** Of one desk; a policy has far fewer. Desks that tell of ever new rules are bounded by it. */
export const MAX_RULES = 400;

/** What a report comes to. `again`: it counted already. */
export type Applied =
  | { kind: 'again' }
  | { kind: 'taken' }
  | { kind: 'too-many-rules' }
  | { kind: 'news'; desk: DeskMemory; epoch: EpochMemory; changes: DeskChanges };

export interface DeskChanges {
  /** Verdict or gate are other than before. */
  verdict: boolean;
  upserts: PreparedFinding[];
  /** Rules that the desk no longer has. */
  gone: string[];
  /** Of what was upserted, what is worth a line of history. */
  told: PreparedFinding[];
  standings: StandingLine[];
}

/** True when `applyReport` must know the digests of the desk's findings. */
export function needsFindings(memory: DeskMemory, report: PreparedReport): boolean {
  if (!report.isFull) return report.findingCount > 0;
  return report.findingsDigest !== memory.findingsDigest;
}

/**
 * One report onto what the fleet holds. Reports count in the order of their numbers within an epoch, never by `madeAt`, which comes
 * from a clock that people set; of `madeAt` depends only whether the standing is newer than what a heartbeat said meanwhile.
 * `stored`: digests of the desk's findings by rule, where `needsFindings`.
 */
export function applyReport(memory: DeskMemory, stored: ReadonlyMap<string, string>, report: PreparedReport, now: Date): Applied {
  for (const { recent } of memory.epochs.values()) if (recent.includes(report.id)) return { kind: 'again' };
  const known = memory.epochs.get(report.epoch);
  if (known && report.seq <= known.seq) return { kind: 'taken' };

  const comesBack = known !== undefined && memory.epoch !== report.epoch;
  const isNewEpoch = known === undefined && memory.epoch !== null;
  const { upserts, gone, told, digest, rules } = findingChanges(memory, stored, report);
  if (rules > MAX_RULES) return { kind: 'too-many-rules' };

  const at = new Date(Math.min(report.madeAt.getTime(), now.getTime()));
  const { standing, gateState, causes } = report;
  const line = { standing, was: memory.reportedStanding, gateState, causes, at };
  const silence = silenceBefore(memory, line, now, report.epoch !== memory.epoch);
  const isNews = standing !== memory.reportedStanding || gateState !== memory.reportedGate;
  const standings = silence.length === 0 && isNews ? [line] : silence;

  const desk: DeskMemory = {
    ...memory,
    ...liveStanding(memory, report, at, isNews),
    heardAt: now,
    causes,
    reportedStanding: standing,
    reportedGate: gateState,
    findingsDigest: digest,
    verdictDigest: report.verdictDigest,
    epoch: report.epoch,
    duplicateSuspectedAt: comesBack ? now : memory.duplicateSuspectedAt,
    // Changes onto what may be another computer's, or onto nothing, are not the whole desk.
    wantFull: !report.isFull && (memory.wantFull || comesBack || isNewEpoch),
  };
  const epoch = { seq: report.seq, recent: [report.id, ...(known?.recent ?? [])].slice(0, MAX_RECENT) };
  const verdict = report.verdictDigest !== memory.verdictDigest;
  return { kind: 'news', desk, epoch, changes: { verdict, upserts, gone, told, standings } };
}

function liveStanding(memory: DeskMemory, report: PreparedReport, at: Date, isNews: boolean): Partial<DeskMemory> {
  const { standing, gateState } = report;
  if (memory.saidAt !== null && report.madeAt < memory.saidAt) {
    // A heartbeat was faster. Where it said the same, the report knows better since when.
    const knowsBetter = isNews && standing === memory.standing && at < memory.standingSince;
    return knowsBetter ? { standingSince: at } : {};
  }
  return { saidAt: report.madeAt, standing, gateState, standingSince: standing === memory.standing ? memory.standingSince : at };
}

function findingChanges(memory: DeskMemory, stored: ReadonlyMap<string, string>, report: PreparedReport) {
  if (!needsFindings(memory, report)) return { upserts: [], gone: [], told: [], digest: memory.findingsDigest, rules: 0 };
  const findings = report.findings();
  const upserts = findings.filter(({ rule, digest }) => stored.get(rule) !== digest());
  const told = upserts.filter(({ rule, digest }) => {
    const before = stored.get(rule);
    return before === undefined || essenceOf(before) !== essenceOf(digest());
  });
  const reported = new Set(findings.map(({ rule }) => rule));
  const gone = report.isFull ? [...stored.keys()].filter((rule) => !reported.has(rule)) : [];
  const rules = report.isFull ? reported : new Set([...stored.keys(), ...reported]);
  // After changes nobody knows the digest of the whole: the next full report is compared finding by finding.
  return { upserts, gone, told, digest: report.findingsDigest, rules: rules.size };
}
