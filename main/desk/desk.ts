import type { Result } from '../../contracts/call.ts';
import type { DeskHistory } from '../../contracts/desk-history.ts';
import type { FaultCode } from '../../contracts/fault.ts';
import type { CheckId } from '../../contracts/finding.ts';
import type { CallActivity } from '../../contracts/gate.ts';
import type { CcpState, CcpTrouble, DeskView, LocaleChoice } from '../../contracts/ipc.ts';
import type { ProbeReading } from '../../contracts/local-api.ts';

export type WindowApplied = 'open' | 'banner' | 'closed';

/** The desk as the app knows it: what the daemon told, and what the app itself shows. Nothing here judges. */
export interface Desk {
  view(): DeskView;
  onChange(listener: (view: DeskView, before: DeskView) => void): () => void;
  /** Each of these gives `no-daemon` where there is none to ask. */
  recheck(check?: CheckId): Promise<Result<void, 'unknown-check' | 'too-soon' | 'busy' | 'no-daemon'>>;
  history(): Promise<Result<DeskHistory, 'busy' | 'no-daemon'>>;
  release(
    code: string,
  ): Promise<Result<{ until: string }, 'wrong-code' | 'too-soon' | 'not-allowed' | 'not-enrolled' | 'busy' | 'no-daemon'>>;
  /** A session probe's evidence, or that it could not look. */
  submitEvidence(check: CheckId, reading: ProbeReading): Promise<Result<void, FaultCode>>;
  /** Told at once, and again after each reconnect. */
  acknowledgeWindow(applied: WindowApplied): void;
  /** The last word is told again after each reconnect. */
  reportActivity(says: CallActivity): void;
  stop(): void;
}

/** What only the composition root says. */
export interface DeskOfMain extends Desk {
  showCcp(state: CcpState, trouble?: CcpTrouble | null): void;
  showLocale(choice: LocaleChoice, inUse: DeskView['locale']['inUse']): void;
  /** The machine woke up: whatever was waited for is looked at now. */
  wake(): void;
}
