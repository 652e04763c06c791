import { KeyUnavailable } from '../crypto/key-provider.ts';
import { NothingCommitted } from '../db/pool.ts';
import { FleetFault } from '../http/fault.ts';

/**
 * What a failure of the database means for a batch. `data`: something in it cannot be stored, and its neighbours may be. `again`:
 * nothing was wrong with it. `away`: nobody knows whether it was committed, which the desk's retry finds out by the report's id.
 */
export type StoreFailure = 'data' | 'again' | 'away' | 'ours';

export function failureOf(error: unknown): StoreFailure {
  if (error instanceof NothingCommitted) return 'away';
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string') return isConnectionLoss(error) ? 'away' : 'ours';
  // 40: serialisation, deadlock. 55P03: a lock was not to be had in time.
  if (/^40/.test(code) || code === '55P03') return 'again';
  // 22: a value out of range, 23: a constraint, P0: a trigger.
  if (/^(22|23|P0)/.test(code)) return 'data';
  return /^(08|53|57|58|E[A-Z]+)/.test(code) ? 'away' : 'ours';
}

/** node-postgres says these without a code. */
function isConnectionLoss(error: unknown): boolean {
  return (
    error instanceof Error &&
    /connection (terminated|ended|closed)|timeout exceeded when trying to connect|not queryable/i.test(error.message)
  );
}

/** A faster answer would find the same queue. */
export const RETRY_AFTER_SEC = 5;

/** Until somebody gives the key back, desks keep what they have. */
const KEY_RETRY_AFTER_SEC = 60;

export function faultOf(error: unknown): unknown {
  if (error instanceof FleetFault) return error;
  if (error instanceof KeyUnavailable)
    return new FleetFault('key-unavailable', 'the key of this instance is out of use', { retryAfterSec: KEY_RETRY_AFTER_SEC });
  switch (failureOf(error)) {
    case 'data':
      return new FleetFault('bad-request', 'cannot be stored');
    case 'ours':
      return error;
    default:
      return new FleetFault('unavailable', 'the database is busy or away', { retryAfterSec: RETRY_AFTER_SEC });
  }
}
