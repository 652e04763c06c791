import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { KeyUnavailable } from '../crypto/key-provider.ts';
import { failureOf } from '../db/failure.ts';
import { FleetFault } from './fault.ts';

/** What the caller is told of an error: nothing of what is our own fault. */
export function toFault(error: unknown, isRead: boolean): FleetFault {
  if (error instanceof FleetFault) return error;
  // Reads are refused for good; what desks and people write comes again once the key is back.
  if (error instanceof KeyUnavailable) {
    const detail = `the key ${error.keyId} cannot be used`;
    return isRead ? new FleetFault('key-access-denied', detail) : new FleetFault('key-unavailable', detail, { retryAfterSec: 60 });
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [first] = error.validation;
    const where = [error.validationContext, ...(first?.instancePath ?? '').split('/').filter(Boolean)].filter(Boolean).join('.');
    return new FleetFault('bad-request', first?.message ?? 'not as the schema says', { path: where });
  }
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new FleetFault('too-large', 'the body is too large');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new FleetFault('unsupported-type', 'expected application/json');
  if (code === 'FST_ERR_CTP_EMPTY_JSON_BODY' || code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH')
    return new FleetFault('bad-request', 'the body is not as long as its header says');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new FleetFault('bad-request', 'not a request that can be read');
  // A connection or a transaction that the database lost, timed out or refused: the same call may work in a moment.
  const failure = failureOf(error);
  if (failure === 'away' || failure === 'again' || (typeof code === 'string' && code.startsWith('55')))
    return new FleetFault('unavailable', 'the database is busy or away', { retryAfterSec: 5 });
  return new FleetFault('internal', 'something went wrong here; the log names it by the request id');
}

/** The device API has a list of codes of its own, which desks parse strictly. */
export function deviceCode({ code }: FleetFault, isDevice: boolean): string {
  if (!isDevice) return code;
  switch (code) {
    case 'not-found':
    case 'unsupported-type':
    case 'forbidden':
    case 'conflict':
    case 'forged-request':
      return 'bad-request';
    case 'key-unavailable':
    case 'key-access-denied':
      return 'unavailable';
    default:
      return code;
  }
}
