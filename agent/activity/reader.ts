import type { ActivitySignal, ActivitySource } from '../../contracts/gate.ts';

/** One way of telling whether this desk is on a contact. */
export interface ActivityReader {
  readonly source: ActivitySource;
  /** What it sees now; `nowMs` is awake time. Nothing where it does not apply. Never rejects: what it cannot see is `unknown`. */
  read(agentUids: readonly number[], nowMs: number): Promise<readonly ActivitySignal[]>;
  /** Takes away what it put on this computer to see by. */
  close(): Promise<void>;
}
