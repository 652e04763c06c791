/** Deadlines of one exchange with the fleet, in milliseconds. Tests shorten them. */
export interface LinkDeadlines {
  connectMs: number;
  tunnelMs: number;
  handshakeMs: number;
  headersMs: number;
  /** Between two pieces of a body. */
  bodyMs: number;
  /** All of it, waiting for the exchange before it included. */
  totalMs: number;
}

export const LINK_DEADLINES: LinkDeadlines = {
  /** A name and a connection: SYN is sent again after 1 s, 3 s and 7 s. */
  connectMs: 10_000,
  tunnelMs: 10_000,
  handshakeMs: 10_000,
  /** The fleet writes to its disk before it answers. */
  headersMs: 15_000,
  bodyMs: 10_000,
  totalMs: 45_000,
};

/** The largest document has a body of a million characters, which JSON may escape. */
export const MAX_DOCUMENTS_BYTES = 4 * 1024 * 1024;
export const MAX_ANSWER_BYTES = 64 * 1024;
/** Of an answer's head. */
export const MAX_HEAD_BYTES = 16 * 1024;
/** An idle connection is kept for what comes of a heartbeat, not until the next one. */
export const KEEP_ALIVE_MS = 4_000;
/** A fleet that asks for more rest than this would keep waivers from the desk. */
export const MAX_RETRY_AFTER_MS = 15 * 60_000;
