/** Deadlines of the network port, in milliseconds. Tests shorten them. */
export interface Deadlines {
  resolverTryMs: number;
  resolverMs: number;
  systemLookupMs: number;
  systemGraceMs: number;
  connectMs: number;
  tunnelMs: number;
  handshakeMs: number;
  httpMs: number;
  plainMs: number;
  endpointMs: number;
}

export const DEADLINES: Deadlines = {
  /** First try of one server; the second waits twice as long, so that one silent server costs 2.4 s (measured). */
  resolverTryMs: 800,
  /** Enough for both tries of one server, and for the first try of three, the usual number in a resolver list. */
  resolverMs: 3_000,
  /** getaddrinfo has no deadline of its own and can hang for ever; past this a browser's user has given up too. */
  systemLookupMs: 3_000,
  /** With the resolvers' answer in hand, only as long as an uncached lookup of the same name usually takes. */
  systemGraceMs: 300,
  /** SYN is sent again after 1 s and 3 s: three chances, and a second for the last one's answer. */
  connectMs: 4_000,
  /** A proxy resolves and connects before it answers CONNECT, so it gets what a connect gets. */
  tunnelMs: 4_000,
  /** Two round trips; leaves room for one lost packet on a bad line. */
  handshakeMs: 4_000,
  /** Response head only. */
  httpMs: 4_000,
  /** Port 80: connect and response head together. */
  plainMs: 4_000,
  /** Name, connect, handshake, a second handshake where needed, and HTTP together; waiting for a free slot is not counted. */
  endpointMs: 13_000,
};
