import { randomBytes, verify } from 'node:crypto';
import { connect } from 'node:net';
import { helloText } from '../../contracts/local-api.ts';
import { localApiPath } from '../../contracts/local-link/address.ts';
import { CLIENT_DEADLINES, type ClientDeadlines, connectLocalLink, type LocalApiClient } from '../../contracts/local-link/connect.ts';
import type { After } from '../../contracts/local-link/link.ts';
import { LinkFault } from '../../contracts/local-link/link-fault.ts';
import { readDaemonKey } from './read-daemon-key.ts';

export interface DaemonPlace {
  runDir: string;
  /** Null where the system has no users by number, and so no daemon with sockets. */
  uid: number | null;
  /** Who may own the daemon's directory and key: root. */
  owners: readonly number[];
  deadlines?: ClientDeadlines;
}

/** Talks only to who holds the key that root put beside the sockets. Rejects with a `LinkFault`. */
export async function connectDaemon(
  { runDir, uid, owners, deadlines = CLIENT_DEADLINES }: DaemonPlace,
  after: After,
): Promise<LocalApiClient> {
  if (uid === null) throw new LinkFault('no-daemon', 'no daemon for this operating system yet');
  const key = await readDaemonKey(runDir, owners);
  const isSigned = (nonce: string, signature: string) =>
    verify(null, Buffer.from(helloText(uid, nonce)), key, Buffer.from(signature, 'base64url'));
  const newNonce = () => randomBytes(32).toString('base64url');
  return connectLocalLink({ connect, after, newNonce }, { path: localApiPath(runDir, uid), isSigned, deadlines });
}
