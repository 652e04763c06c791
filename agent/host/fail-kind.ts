import type { FailKind, NameCode, StepFailure } from '../../checks/network/observations.ts';

/** Longest raw code kept, in characters. */
const CODE_LENGTH = 80;

export function fieldOf(error: unknown, field: 'code' | 'syscall' | 'message'): string {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, field) : undefined;
  return typeof value === 'string' ? value : '';
}

export function codeOf(error: unknown): string {
  return (fieldOf(error, 'code') || fieldOf(error, 'message') || String(error)).slice(0, CODE_LENGTH);
}

export function failureOf(step: StepFailure['step'], error: unknown, family: 4 | 6 = 4): StepFailure {
  const code = codeOf(error);
  return { step, kind: kindOf(code, fieldOf(error, 'syscall'), family), code };
}

const byCode: Readonly<Record<string, FailKind>> = {
  'timed-out': 'timed-out',
  ETIMEDOUT: 'timed-out',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  // A net-unreachable ICMP from the path gives the same code; without a route of its own the desk meets this one.
  ENETUNREACH: 'no-route',
  ENETDOWN: 'no-route',
  EADDRNOTAVAIL: 'no-route',
  EAFNOSUPPORT: 'no-route',
  // What a Linux `blackhole` route gives.
  EINVAL: 'no-route',
  EPERM: 'blocked-on-desk',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not-tls',
  ERR_SSL_HTTP_REQUEST: 'not-tls',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'not-tls',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'protocol-version',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'protocol-version',
  ERR_SSL_VERSION_TOO_LOW: 'protocol-version',
  ERR_SSL_WRONG_SSL_VERSION: 'protocol-version',
  // The server would go on, OpenSSL's security level will not.
  ERR_SSL_DH_KEY_TOO_SMALL: 'handshake-refused',
  ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED: 'handshake-refused',
  ERR_SSL_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED: 'handshake-refused',
};

function kindOf(code: string, syscall: string, family: 4 | 6): FailKind {
  const known = byCode[code];
  if (known) return known;
  // With a system call the peer's RST was read; without one Node itself says that the connection ended early (FIN).
  if (code === 'ECONNRESET') return syscall === '' ? 'closed' : 'reset';
  // An IPv6 admin-prohibited from the path is EACCES; in IPv4 only this desk's own rules or routes are (measured on Linux).
  if (code === 'EACCES') return family === 6 ? 'unreachable' : 'blocked-on-desk';
  if (/^ERR_SSL_.*_ALERT_/.test(code)) return 'handshake-refused';
  if (/^(ERR_SSL_|ERR_OSSL_|HPE_)/.test(code)) return 'malformed';
  return 'other';
}

const byResolverCode: Readonly<Record<string, NameCode>> = {
  ENOTFOUND: 'not-found',
  ENODATA: 'no-data',
  ESERVFAIL: 'server-failed',
  ENOTIMP: 'server-failed',
  EREFUSED: 'refused',
  ETIMEOUT: 'timed-out',
  ECANCELLED: 'timed-out',
  'timed-out': 'timed-out',
  aborted: 'timed-out',
  ECONNREFUSED: 'no-server',
  EFORMERR: 'malformed',
  EBADRESP: 'malformed',
  EBADNAME: 'malformed',
  EBADQUERY: 'malformed',
  // getaddrinfo says this for every fault of the servers, silence being the common one.
  EAI_AGAIN: 'timed-out',
};

export function nameCodeOf(error: unknown): NameCode {
  return byResolverCode[codeOf(error)] ?? 'server-failed';
}
