import type { KeyObject } from 'node:crypto';
import type { CallActivity } from '../../contracts/gate.ts';
import { type LocalApi, type LocalApiHandlers, listenLocalApi } from '../local-api/server.ts';
import { type Answering, answerLocalApi, type WindowApplied } from './local-handlers.ts';
import type { SessionUsers } from './session-users.ts';

export interface ServeUsers extends Pick<Answering, 'recheck' | 'submit' | 'checks' | 'snapshot' | 'history' | 'clock'> {
  runDir: string;
  key: KeyObject;
  users: SessionUsers;
  onWindow: (uid: number, applied: WindowApplied, saidAt: string) => void;
  onActivity: (uid: number, says: CallActivity) => void;
  release: (uid: number, code: string | undefined) => ReturnType<Answering['release']>;
  onFault: (detail: string) => void;
}

/** A user may have removed his socket; it is made again by then. */
const REFRESH_EVERY_MS = 60_000;

/** Answers the programs of the desk's users, each user by a socket of his own. Rejects with a `SocketRefused`. */
export async function serveUsers({ runDir, key, users, onWindow, onActivity, release, onFault, ...shared }: ServeUsers): Promise<LocalApi> {
  const answering = new Map<number, LocalApiHandlers>();
  const api = await listenLocalApi({
    dir: runDir,
    users: async () => users.current(),
    handlers(uid) {
      // A user can have his socket made again; what he has asked for of late stays counted.
      const known = answering.get(uid);
      if (known) return known;
      const made = answerLocalApi({
        ...shared,
        uid,
        onWindow: (applied, saidAt) => onWindow(uid, applied, saidAt),
        onActivity: (says) => onActivity(uid, says),
        release: (code) => release(uid, code),
      });
      answering.set(uid, made);
      return made;
    },
    key,
    onFault: (fault) => onFault(JSON.stringify(fault)),
  });
  const refreshing = setInterval(() => void api.refresh(), REFRESH_EVERY_MS);
  return {
    ...api,
    close() {
      clearInterval(refreshing);
      return api.close();
    },
  };
}
