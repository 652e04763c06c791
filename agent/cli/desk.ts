import type { AnyCheck } from '../../checks/check.ts';
import type { Plan } from '../../checks/plan.ts';
import type { Allowlist } from '../../contracts/allowlist.ts';
import type { DaemonConfig } from '../../contracts/config.ts';
import type { PlacedProblem } from '../../contracts/console/policies.ts';
import type { CheckId } from '../../contracts/finding.ts';
import type { LocalApiClient } from '../../contracts/local-link/connect.ts';
import type { Policy } from '../../contracts/policy.ts';
import type { Progress } from '../../contracts/progress.ts';
import type { CheckDocument } from '../../contracts/report.ts';
import type { Standing } from '../../contracts/verdict.ts';
import type { BundleRequest } from '../bundle/collect-bundle.ts';
import type { AgentLossOutcome } from '../daemon/agent-loss.ts';
import type { TakenAway } from '../daemon/take-away.ts';
import type { EnrolOutcome, EnrolStep } from '../fleet-link/enrol.ts';
import { cleanText } from './clean-text.ts';
import type { Input } from './input.ts';
import type { Output } from './output.ts';
import type { TerminalFacts } from './terminal.ts';

/** What the command line works on. */
export interface Desk {
  version: string;
  checks: readonly AnyCheck[];
  allowlist: Allowlist;
  run(request: RunRequest): Promise<CheckDocument>;
  /** Where IT says what the daemon is to do. */
  configPath: string;
  startDaemon(request: DaemonRequest): Promise<{ stop(): Promise<void> }>;
  /** It is enrolled with a fleet, or waits to be. Rejects with a `StoreError`. */
  hasFleet(config: DaemonConfig): Promise<boolean>;
  /** Rejects with a `LinkFault`. */
  connectDaemon(runDir: string): Promise<LocalApiClient>;
  /** Takes away all that the ledger names, where no daemon runs. Rejects with a `StoreError` when there is no reading the ledger. */
  releaseGate(config: DaemonConfig): Promise<TakenAway>;
  /** What the policy in force wants of the gate once no daemon runs. Rejects with a `StoreError`. */
  applyAgentLoss(config: DaemonConfig): Promise<AgentLossOutcome>;
  /** Rejects with a `StoreError` when there is no reading the identity. */
  enrol(request: EnrolDesk): Promise<EnrolOutcome>;
  /** What a support person needs to know of this desk, not yet redacted. Never rejects: what cannot be read says why. */
  collectBundle(request: BundleRequest): Promise<Readonly<Record<string, unknown>>>;
}

export interface EnrolDesk {
  config: DaemonConfig;
  server: string;
  /** Of the form that `Ticket` of contracts/fleet-api.ts describes. */
  ticket: string;
  signal: AbortSignal;
  onStep: (step: EnrolStep) => void;
}

export interface DaemonRequest {
  config: DaemonConfig;
  /** What IT put on this desk; null where the fleet alone says what to obey. */
  localPolicy: Policy | null;
  /** Takes the log line by line, each with its end. */
  write: (line: string) => void;
}

export interface RunRequest {
  policy: Policy;
  plan: Plan;
  only: readonly CheckId[] | null;
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

/** Where it was started. */
export interface Place {
  stdout: Output;
  stderr: Output;
  stdin: Input;
  /** Who started it; 0 is root, and everybody where there are no uids. */
  uid: number;
  /** Of the environment: a BCP 47 tag or a POSIX locale name. */
  language: string | undefined;
  unicode: boolean;
  /** False under NO_COLOR and on terminals that know no escapes. */
  color: boolean;
  /** False where a log is kept instead of a screen, as in CI, and on terminals that know no escapes. */
  live: boolean;
  signal: AbortSignal;
}

/** Exit status of a verdict. */
export const exitOf: Readonly<Record<Standing, number>> = { clear: 0, blocked: 1, undetermined: 3, caution: 4 };
/** Exit status of wrong usage and of a bad policy. */
export const EXIT_USAGE = 2;
/** `EX_UNAVAILABLE`, `EX_OSERR` and `EX_TEMPFAIL` of sysexits.h. */
export const EXIT_NO_DAEMON = 69;
export const EXIT_CANNOT_START = 71;
export const EXIT_TRY_AGAIN = 75;
/** Asked and refused, or asked and not wholly done. */
export const EXIT_REFUSED = 1;
/** `EX_NOINPUT` and `EX_NOPERM` of sysexits.h. */
export const EXIT_NO_INPUT = 66;
export const EXIT_NOT_ROOT = 77;
/** `EX_IOERR` of sysexits.h: the answer could not be written, as on a full disk. */
export const EXIT_OUTPUT = 74;

/** `file:line:column: key: message`, as editors and CI systems read it. */
export function placedLines(path: string, problems: readonly PlacedProblem[]): string {
  return problems
    .map(({ line, column, key, message }) => [`${path}:${line}:${column}`, ...(key === '' ? [] : [key]), message])
    .map((parts) => `${cleanText(parts.join(': '))}\n`)
    .join('');
}

export function factsOf(output: Output, { color, unicode }: Place, wanted: boolean): TerminalFacts {
  return { ...output.size(), color: wanted && color && output.isTerminal, unicode };
}
