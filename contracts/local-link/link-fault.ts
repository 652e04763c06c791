/** Why there is no talking to the daemon. What the daemon itself refuses is a `Result`, never one of these. */
export type LinkCode =
  /** Nobody listens there: not installed, stopped, or restarting. */
  | 'no-daemon'
  /** The socket belongs to another user. */
  | 'not-your-socket'
  /** Somebody listens, but without the daemon's key. */
  | 'not-the-daemon'
  /** The daemon has no room for this connection, or put it out. */
  | 'busy'
  | 'timed-out'
  /** It said what no daemon of this table says. */
  | 'bad-response'
  /** It refused what we sent as no message of its table: the two are of different versions. */
  | 'refused'
  /** The connection ended. */
  | 'closed';

export class LinkFault extends Error {
  readonly code: LinkCode;
  constructor(code: LinkCode, detail: string) {
    super(detail);
    this.name = 'LinkFault';
    this.code = code;
  }
}

/** What Node gives where the system refuses. */
export interface SystemFault {
  code?: string | undefined;
  message: string;
}

/** What `connect` on a socket of ours fails with. */
export function linkFaultOf(error: SystemFault, path: string): LinkFault {
  switch (error.code) {
    // Something else is in the place where a daemon would have made its own.
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ECONNREFUSED':
      return new LinkFault('no-daemon', `${error.code} on ${path}`);
    case 'EACCES':
    case 'EPERM':
      return new LinkFault('not-your-socket', `${error.code} on ${path}`);
    // Too many wait to be accepted.
    case 'EAGAIN':
      return new LinkFault('busy', `EAGAIN on ${path}`);
    default:
      return new LinkFault('closed', `${error.code ?? error.message} on ${path}`);
  }
}
