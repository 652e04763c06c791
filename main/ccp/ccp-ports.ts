import type { CallActivity } from '../../contracts/gate.ts';
import type { CcpState, CcpTrouble } from '../../contracts/ipc.ts';
import type { After } from '../../contracts/local-link/link.ts';
import type { WindowApplied } from '../desk/desk.ts';
import type { WindowBounds } from '../settings.ts';
import type { LoadFailure } from './loading.ts';

/** A window that is there until `destroy`, which ends its page, its pop-ups, its connections and its media before it returns. */
export interface LivingWindow {
  bringForward(): void;
  bounds(): WindowBounds;
  destroy(): void;
}

export interface CcpWindowHandle extends LivingWindow {
  load(url: string): void;
  minimise(): void;
  /** Its page goes on behind. Shown again it does not take the keyboard. */
  setHidden(is: boolean): void;
}

export interface CcpWindowEvents {
  /** The user closes it, or the app ends; true when it may go at once. It need not be asked twice: what is not let go is closed later. */
  onClosing(): boolean;
  /** It is gone, whoever closed it: a page can close its own window unasked. */
  onGone(): void;
  /** Something can be heard, or plays, in it or in a pop-up of its, or nothing any more. */
  onMedia(isLive: boolean): void;
  /** Its page fell over. */
  onCrashed(): void;
  /** Another page stands in it now: not a part of the one before, not one in a frame, and not that of an error. */
  onLoaded(): void;
  /** In place of its page that of an error stands. */
  onFailed(failure: LoadFailure): void;
  /** Our rules kept its main frame from going there. */
  onRefused(url: string): void;
}

export interface CcpPorts {
  /** `at`: in the place of the window before it; null where it was last time. */
  openCcp(url: string, at: WindowBounds | null, events: CcpWindowEvents): CcpWindowHandle;
  openBlocked(at: WindowBounds | null, onGone: () => void): LivingWindow;
  /** Follows the CCP's window, and never takes the keyboard. */
  openBanner(over: CcpWindowHandle, onGone: () => void): Pick<LivingWindow, 'destroy'>;
  /** Whether the user had the window open when the app last ended. */
  wasOpen(): boolean;
  /** And where it was last; null where it never was. Told again when the app ends. */
  rememberOpen(isOpen: boolean, place: WindowBounds | null): void;
  /** Asks once whether to open it again; the answer may come late. With `signal` the question goes away, where the system can. */
  offerReload(signal: AbortSignal): Promise<boolean>;
  acknowledge(applied: WindowApplied): void;
  reportActivity(says: CallActivity): void;
  /** `trouble`: with `unreachable`. */
  show(state: CcpState, trouble: CcpTrouble | null): void;
  after: After;
  /** Stands still while the computer sleeps, where the system has such a clock. */
  monotonicMs(): number;
}
