import { z } from 'zod';

/** What a call of the console API answers with when it is no 2xx. Nobody matches on words. */
export const ConsoleFaultCode = z.enum([
  'bad-request',
  'too-large',
  'unsupported-type',
  'not-signed-in',
  /** User name, password, code or link is wrong, or used up: the same answer. */
  'sign-in-refused',
  /** The password was right: again, with the code of the second factor. */
  'second-factor-needed',
  'mfa-required',
  /** The identity provider knows who it is, and there is nothing here for them. */
  'access-denied',
  /** A sign-in at the identity provider that was used before, is too old, or began in another browser. */
  'replayed',
  'provider-unavailable',
  'forged-request',
  'forbidden',
  'explicit-deny',
  'boundary-exceeded',
  /** The thing is within the caller's reach, and would not be after the change. */
  'outside-scope',
  'step-up-required',
  'history-restricted',
  /** Does not exist, or is not for the caller to see: the same answer. */
  'not-found',
  'conflict',
  /** A policy was not previewed as it stands, or the preview's number was not accepted. */
  'preview-needed',
  'granular-profile-limit',
  'default-profile',
  'last-admin',
  /** A security profile that does not make sense or is unsafe. */
  'profile-refused',
  'slow-down',
  /** The key that seals the tenant's data was taken from this server: what is sealed cannot be read, nor new data be taken. */
  'key-access-denied',
  'key-unavailable',
  'unavailable',
  'internal',
]);
export type ConsoleFaultCode = z.infer<typeof ConsoleFaultCode>;

export const ConsoleFault = z.strictObject({
  error: z.strictObject({
    code: ConsoleFaultCode,
    detail: z.string().max(1_000),
    /** Where in the request the fault is: keys and indexes, joined by dots. */
    path: z.string().max(500).optional(),
  }),
});
export type ConsoleFault = z.infer<typeof ConsoleFault>;
