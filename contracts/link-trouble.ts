import { z } from 'zod';
import { DeviceFaultCode } from './fleet-api.ts';

/** Why the desk and its fleet do not come together: the fleet's own codes, and what the desk met on the way to it. */
export const LinkTroubleCode = z.enum([
  ...DeviceFaultCode.options,
  /** No route, or the connection was lost. */
  'offline',
  'dns',
  'refused',
  'timed-out',
  'proxy',
  /** The certificate comes from somebody between the desk and the fleet. */
  'tls-inspected',
  /** It comes from nobody this desk trusts, and who that is could not be told, or is the server itself. */
  'tls-untrusted',
  'tls-name',
  'tls-failed',
  /** A certificate is not valid at this desk's time. */
  'clock',
  'bad-answer',
  'bad-ticket',
  'ticket-file',
  /** What answers is not the fleet that the ticket was made by. */
  'wrong-fleet',
  'bad-certificate',
  'too-soon',
  'not-stored',
  /** The daemon is told to stop. */
  'stopped',
]);
export type LinkTroubleCode = z.infer<typeof LinkTroubleCode>;

export const LinkTrouble = z.strictObject({ code: LinkTroubleCode, detail: z.string().max(500) });
export type LinkTrouble = z.infer<typeof LinkTrouble>;
