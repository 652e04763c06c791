import type { EnforcerTarget } from '../../../contracts/enforcer.ts';
import type { BrowserProcess } from './browser-processes.ts';

/** What the processes of one browser are, and the time. */
export interface Running {
  /** Null when nobody could look. */
  processes: readonly BrowserProcess[] | null;
  /** Since boot. */
  nowMs: number;
}

/** One browser, whose policy is first brought to what is wanted and then judged beside the processes that run by then. */
export interface BrowserTarget {
  readonly executables: readonly string[];
  isPresent(): boolean;
  apply(wanted: { closed: boolean; hosts: readonly string[] }, running: Running, bootMs: () => number): Promise<void>;
  judge(running: Running): EnforcerTarget;
}
