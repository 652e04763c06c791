import type { DeviceFaultCode } from '../../contracts/fleet-api.ts';
import type { Report } from '../../contracts/report.ts';
import type { SealedFault } from '../../contracts/sealing.ts';
import type { FleetClient } from './client.ts';

/** What became of a report. */
export type Sent =
  | { status: 'accepted'; sealedFault: SealedFault | null }
  /** `afterMs`: as the fleet asked. */
  | { status: 'retry'; afterMs?: number; code: string; detail: string }
  /** The fleet will never take this one. */
  | { status: 'refused'; code: Extract<DeviceFaultCode, 'bad-request' | 'too-large' | 'unsupported-schema'>; detail: string }
  /** Begin a new epoch. */
  | { status: 'sequence-taken' }
  /** Keep it. */
  | { status: 'not-allowed'; code: Extract<DeviceFaultCode, 'not-enrolled' | 'revoked'>; detail: string };

export async function sendReport(client: FleetClient, report: Report): Promise<Sent> {
  const answer = await client.report(report);
  if (answer.ok) return { status: 'accepted', sealedFault: answer.value.sealedFault };
  const { code, detail, retryAfterMs } = answer.fault;
  switch (code) {
    case 'bad-request':
    case 'unsupported-schema':
    case 'too-large':
      return { status: 'refused', code, detail };
    case 'sequence-taken':
      return { status: 'sequence-taken' };
    case 'not-enrolled':
    case 'revoked':
      return { status: 'not-allowed', code, detail };
    default:
      return { status: 'retry', code, detail, ...(retryAfterMs === undefined ? {} : { afterMs: retryAfterMs }) };
  }
}
