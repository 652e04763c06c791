import type { PageName } from '../../contracts/ipc.ts';
import type { Sender } from './sender-rule.ts';

/** Electron's side of the way between main process and pages. */
export interface IpcPort {
  onCall(take: (sender: Sender, name: unknown, request: unknown) => Promise<unknown>): void;
  /** To every window that was made for this page and shows it. */
  send(page: PageName, name: string, payload: unknown): void;
}
