import type { KeyObject } from 'node:crypto';
import { connect } from 'node:net';
import { CLIENT_DEADLINES, type ClientDeadlines, connectLocalLink, type LocalApiClient } from '../../contracts/local-link/connect.ts';
import { isSignedHello, newNonce } from './daemon-proof.ts';

export interface ClientOptions {
  path: string;
  /** The daemon's public key, and the user whose socket this is. Without it whoever listens is believed. */
  verify?: { key: KeyObject; uid: number };
  deadlines?: ClientDeadlines;
}

/** Rejects with a `LinkFault`. */
export function connectLocalApi({ path, verify, deadlines = CLIENT_DEADLINES }: ClientOptions): Promise<LocalApiClient> {
  const isSigned = (nonce: string, signature: string) => !verify || isSignedHello(verify.key, verify.uid, nonce, signature);
  return connectLocalLink({ connect, after, newNonce }, { path, isSigned, deadlines });
}

/** The open socket keeps the process alive while it waits for an answer. */
function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
