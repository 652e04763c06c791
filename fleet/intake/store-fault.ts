import { KeyUnavailable } from '../crypto/key-provider.ts';
import { failureOf } from '../db/failure.ts';
import { FleetFault } from '../http/fault.ts';

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
