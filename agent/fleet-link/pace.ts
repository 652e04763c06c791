const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Between heartbeats while all is well, and while somebody may be waiting for a waiver. */
const HEARTBEAT_MS = 5 * MINUTE_MS;
const HEARTBEAT_ALERT_MS = 15 * SECOND_MS;
const JITTER = 0.1;

/** Of a fleet that does not answer. */
const FIRST_RETRY_MS = 15 * SECOND_MS;
const LAST_RETRY_MS = 5 * MINUTE_MS;
/** Somebody cannot work, and the fleet may be back. */
const LAST_RETRY_ALERT_MS = MINUTE_MS;

/** A desk that the fleet has turned out, or no longer knows. */
export const OUTCAST_MS = HOUR_MS;

/** Of a ticket: a fleet of desks with one that is used up must not hammer. */
const TICKET_REST_MS = 15 * MINUTE_MS;
const LONGEST_TICKET_REST_MS = 6 * HOUR_MS;

/** Of a document that the desk would not take; a newer revision is asked for at once. */
const REFUSED_DOCUMENT_MS = 15 * MINUTE_MS;
const LAST_REFUSED_DOCUMENT_MS = 4 * HOUR_MS;

/** `random` is in [0, 1). */
export function jittered(ms: number, random: number): number {
  return ms * (1 + JITTER * (2 * random - 1));
}

function doubled(firstMs: number, times: number, mostMs: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(times, 30));
}

/** `failures`: heartbeats in a row without an answer. */
export function heartbeatMs(isClear: boolean, failures: number): number {
  if (failures > 0) return doubled(FIRST_RETRY_MS, failures - 1, isClear ? LAST_RETRY_MS : LAST_RETRY_ALERT_MS);
  return isClear ? HEARTBEAT_MS : HEARTBEAT_ALERT_MS;
}

/** Of a renewal, or of an enrolment that never got as far as the ticket. */
export function retryMs(failures: number): number {
  return doubled(FIRST_RETRY_MS, failures - 1, TICKET_REST_MS);
}

export function ticketRestMs(refusals: number): number {
  return doubled(TICKET_REST_MS, Math.max(0, refusals - 1), LONGEST_TICKET_REST_MS);
}

export function refusedDocumentMs(refusals: number): number {
  return doubled(REFUSED_DOCUMENT_MS, refusals - 1, LAST_REFUSED_DOCUMENT_MS);
}

/** What is left of a rest that began at this wall time. One that begins in the future began before the clock was set. */
export function restLeftMs(sinceIso: string, restMs: number, wallMs: number): number {
  const passedMs = wallMs - Date.parse(sinceIso);
  return passedMs < 0 ? 0 : Math.max(0, restMs - passedMs);
}
