/** What the network port saw. Plain data: shapes, units and bounds; nothing here judges. */

/** How a name was answered. */
export type NameCode = 'ok' | 'not-found' | 'no-data' | 'server-failed' | 'refused' | 'timed-out' | 'no-server' | 'malformed';

export interface NameAnswer {
  name: string;
  family: 4 | 6;
  /** What a connection should use: the operating system's answer where it gave one, else the resolvers'. At most 16. */
  addresses: string[];
  /** The configured resolvers, asked directly. */
  resolver: { code: NameCode; addresses: string[]; total: number };
  /** The operating system's own lookup (hosts file, NSS, search list); null when it was not asked or did not end in time. */
  system: { code: NameCode; addresses: string[] } | null;
  servers: string[];
  tookMs: number;
}

/** Why a step did not complete. `timed-out` is silence until our own deadline. */
export type FailKind =
  | 'timed-out'
  | 'refused'
  | 'unreachable'
  | 'no-route'
  | 'blocked-on-desk'
  | 'reset'
  | 'closed'
  | 'not-tls'
  | 'protocol-version'
  | 'handshake-refused'
  | 'malformed'
  | 'proxy-unreachable'
  | 'proxy-refused'
  | 'name-unresolved'
  | 'other';

export interface StepFailure {
  step: 'dns' | 'proxy' | 'tcp' | 'tls' | 'http';
  kind: FailKind;
  /** The raw code, for people: an errno, an OpenSSL reason or a proxy's status. */
  code: string;
}

export interface AddressAttempt {
  address: string;
  ok: boolean;
  /** TCP connect time in milliseconds; null when it did not connect. */
  connectMs: number | null;
  failure: StepFailure | null;
}

export interface TcpObservation {
  /** One per address, at most 4. Empty when the name was not resolved. */
  attempts: AddressAttempt[];
  failure: StepFailure | null;
}

export interface CertificateFacts {
  subject: string;
  subjectOrg: string;
  issuer: string;
  issuerOrg: string;
  /** SHA-256, upper-case hex. */
  sha256: string;
  notBeforeMs: number;
  notAfterMs: number;
  selfSigned: boolean;
}

/**
 * Where the presented chain ends, found by checking signatures link by link, through CA certificates only, ignoring dates and
 * names: `expected` at or under a root that the allowlist or the policy names; `public` under a root of the bundled Mozilla
 * programme; `local` under a root that only this computer trusts (an expired certificate hides that, and is `unknown`); `self-signed-leaf` when the server's own certificate is its issuer;
 * `incomplete` when an intermediate is missing and the issuer's organisation is one that the expected roots belong to;
 * `unknown` otherwise.
 */
export type AnchorKind = 'expected' | 'public' | 'local' | 'self-signed-leaf' | 'incomplete' | 'unknown';

export interface TlsFacts {
  protocol: string;
  cipher: string;
  /** False for a key exchange without (EC)DHE. TLS 1.3 always has it. */
  forwardSecrecy: boolean;
  /** Leaf first, as presented, as far as Node tells: it may leave out certificates that do not link; at most 8. */
  chain: CertificateFacts[];
  anchor: { kind: AnchorKind; name: string; sha256: string | null };
  /** Certificates of the chain that lead to the anchor. What stands above them, such as an old cross-signature, does not count. */
  pathLength: number;
  nameMatches: boolean;
  /** Names the leaf is valid for; at most 8. */
  names: string[];
  /** Only a second attempt with obsolete protocol versions allowed could complete. */
  neededLegacy: boolean;
}

export interface HttpFacts {
  status: number;
  /** Offset of the server's Date header from this desk's wall clock at the middle of the exchange, in milliseconds (server minus desk); null without a valid header, or from a cache, which keeps the date of the stored answer. The header's resolution is one second; half of one is added for its truncation. */
  clockOffsetMs: number | null;
  /** At most 500 printable characters. */
  location: string | null;
}

export interface EndpointObservation {
  host: string;
  port: number;
  path: 'direct' | 'proxy';
  /** The address whose connection went on; null through a proxy and when none connected. */
  address: string | null;
  attempts: AddressAttempt[];
  /** The step that did not complete; facts of completed steps stand beside it. */
  failure: StepFailure | null;
  handshakeMs: number | null;
  /** HTTP request to response headers, in milliseconds. */
  httpMs: number | null;
  tls: TlsFacts | null;
  http: HttpFacts | null;
}

export interface PlainAnswer {
  host: string;
  failure: StepFailure | null;
  http: HttpFacts | null;
}

export interface UpgradeObservation {
  host: string;
  path: 'direct' | 'proxy';
  failure: StepFailure | null;
  /** Status of the answer; 101 is an upgrade. */
  status: number | null;
  /** Sec-WebSocket-Accept was the right one (RFC 6455 section 4.1). */
  acceptOk: boolean;
  /** Product named by the answer's Server or Via header, for people; at most 100 characters. */
  server: string | null;
}

export type UdpSocketKind = 'connected' | 'unconnected';

export type UdpEvent =
  | { atMs: number; on: UdpSocketKind; kind: 'sent'; index: number }
  | { atMs: number; on: UdpSocketKind; kind: 'received'; from: { host: string; port: number }; bytes: Uint8Array }
  | { atMs: number; on: UdpSocketKind; kind: 'error'; code: string; syscall: string };

export interface UdpExchange {
  /** In order of time; at most 512 are kept and `dropped` counts the rest. */
  events: UdpEvent[];
  dropped: number;
}
