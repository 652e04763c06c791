import type { ConsoleFaultCode } from '../../contracts/console/fault.ts';
import type { DeviceFaultCode } from '../../contracts/fleet-api.ts';

export type FleetFaultCode = ConsoleFaultCode | DeviceFaultCode;

const statuses: Readonly<Record<FleetFaultCode, number>> = {
  'bad-request': 400,
  'unsupported-schema': 400,
  'not-signed-in': 401,
  'not-enrolled': 401,
  'sign-in-refused': 401,
  'second-factor-needed': 401,
  'mfa-required': 403,
  'access-denied': 403,
  replayed: 403,
  'provider-unavailable': 503,
  'forged-request': 403,
  forbidden: 403,
  'explicit-deny': 403,
  'boundary-exceeded': 403,
  'outside-scope': 403,
  'step-up-required': 403,
  'history-restricted': 403,
  'key-access-denied': 403,
  revoked: 403,
  'ticket-refused': 403,
  'not-found': 404,
  conflict: 409,
  'preview-needed': 409,
  'granular-profile-limit': 409,
  'default-profile': 409,
  'last-admin': 409,
  'sequence-taken': 409,
  'too-large': 413,
  'unsupported-type': 415,
  'profile-refused': 422,
  'slow-down': 429,
  internal: 500,
  'key-unavailable': 503,
  unavailable: 503,
};

export interface FaultPlace {
  /** Where in the request: keys and indexes, joined by dots. */
  path?: string;
  retryAfterSec?: number;
  /** The rule of access that decided, for the audit. */
  rule?: string;
}

/** A refusal that the caller is told of: its code, and a detail that names nothing the caller may not see. */
export class FleetFault extends Error {
  override readonly name = 'FleetFault';
  readonly code: FleetFaultCode;
  readonly place: FaultPlace;

  constructor(code: FleetFaultCode, detail: string, place: FaultPlace = {}) {
    super(detail);
    this.code = code;
    this.place = place;
  }

  get status(): number {
    return statuses[this.code];
  }
}
