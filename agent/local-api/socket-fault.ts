/** Why there is no socket for somebody, or what somebody did with it. For logs: it crosses no boundary. */
export type SocketFaultCode =
  | 'unsafe-path'
  | 'path-too-long'
  | 'in-use'
  | 'system'
  | 'bad-frame'
  | 'bad-message'
  | 'too-many-connections'
  | 'too-many-calls'
  | 'idle'
  | 'slow-reader'
  | 'handler-threw'
  | 'handler-hung'
  | 'answer-too-large';

export interface SocketFault {
  code: SocketFaultCode;
  /** Null when it concerns all users. */
  uid: number | null;
  detail: string;
}

export class SocketRefused extends Error {
  readonly code: SocketFaultCode;
  constructor(code: SocketFaultCode, detail: string) {
    super(detail);
    this.code = code;
  }
}

/** How often it happened since it was last told, this time included. */
export type ToldFault = SocketFault & { times: number };

/** A user can cause faults as fast as he can connect: each kind of each user is told at once, then at most every `everyMs`. */
export function createFaultTeller(
  everyMs: number,
  monotonicMs: () => number,
  tell: (fault: ToldFault) => void,
): (fault: SocketFault) => void {
  const kinds = new Map<string, { toldMs: number; untold: number }>();
  return (fault) => {
    const kind = `${fault.code} ${fault.uid}`;
    const nowMs = monotonicMs();
    const known = kinds.get(kind);
    if (known && nowMs - known.toldMs < everyMs) {
      known.untold += 1;
      return;
    }
    kinds.set(kind, { toldMs: nowMs, untold: 0 });
    tell({ ...fault, times: (known?.untold ?? 0) + 1 });
  };
}
