import type { LinkTrouble, LinkTroubleCode } from '../../contracts/link-trouble.ts';
import { codeOf } from '../host/fail-kind.ts';

const MAX_DETAIL_LENGTH = 500;

export interface LinkFault extends LinkTrouble {
  /** The fleet asked not to be asked again before. */
  retryAfterMs?: number;
}

export type Answer<T> = { ok: true; value: T } | { ok: false; fault: LinkFault };

export function fault(code: LinkTroubleCode, detail: string, retryAfterMs?: number): { ok: false; fault: LinkFault } {
  // A stranger's words: certificates and servers name themselves.
  const clean = detail.replace(/\p{C}/gu, ' ').slice(0, MAX_DETAIL_LENGTH);
  return { ok: false, fault: { code, detail: clean, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } };
}

/** A fault on its way through somebody else's code. */
export class LinkFailure extends Error {
  readonly fault: LinkFault;
  constructor(code: LinkTroubleCode, detail: string) {
    super(detail);
    this.name = 'LinkFailure';
    this.fault = fault(code, detail).fault;
  }
}

const byCode: Readonly<Record<string, LinkTroubleCode>> = {
  'timed-out': 'timed-out',
  aborted: 'stopped',
  ETIMEDOUT: 'timed-out',
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  ENODATA: 'dns',
};

/** What an error of a connection, or of the exchange over it, comes to. */
export function faultOf(error: unknown): LinkFault {
  if (error instanceof LinkFailure) return error.fault;
  const code = codeOf(error);
  const known = byCode[code];
  if (known) return fault(known, code).fault;
  if (code.startsWith('HPE_')) return fault('bad-answer', `not HTTP: ${code}`).fault;
  if (/^(ERR_SSL_|ERR_TLS_|ERR_OSSL_)/.test(code)) return fault('tls-failed', code).fault;
  return fault('offline', code).fault;
}
