import { z } from 'zod';
import { storable } from './access.ts';

/** The form that Amazon Connect documents; compared exactly. */
export const UserName = z.string().regex(/^[A-Za-z0-9@.-]{2,64}$/, 'expected 2 to 64 letters, digits, @, - and .');
/** NIST SP 800-63B: length counts, and what a password is made of does not. */
export const NewPassword = z.string().min(15).max(200);
export const TotpCode = z.string().regex(/^\d{6}$/);
/** Left out where the deployment has one tenant. */
const TenantSlug = z.string().min(1).max(40).optional();
/** 32 random bytes. */
export const Token = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

export const SignInRequest = z.strictObject({
  tenant: TenantSlug,
  // Any text: what could not be a name is refused in the same way as one that nobody has.
  user: z.string().min(1).max(200),
  password: z.string().min(1).max(200),
  code: TotpCode.optional(),
  // Of a break-glass account: why it is used.
  reason: z.string().trim().min(1).max(500).optional(),
});
export type SignInRequest = z.infer<typeof SignInRequest>;

/** What the page does next: nothing, or set up a second factor, without which the session may do nothing else. */
export const SignInAnswer = z.strictObject({ next: z.enum(['done', 'set-up-second-factor']), expiresAt: z.iso.datetime() });
export type SignInAnswer = z.infer<typeof SignInAnswer>;

export const LinkRequest = z.strictObject({ token: Token, password: NewPassword });

/** The secret is shown once, as Base32 and as what a QR code holds. */
export const SecondFactorOffer = z.strictObject({ secret: z.string().max(64), uri: z.string().max(500) });
export const SecondFactorRequest = z.strictObject({ code: TotpCode });

export const SessionAnswer = z.strictObject({
  account: z.strictObject({ id: z.uuid(), name: z.string().max(200) }),
  tenant: z.uuid(),
  mfaAt: z.iso.datetime().nullable(),
  mfaRequired: z.boolean(),
  profiles: z.array(z.string().max(200)).max(100),
  // Of all profiles together; empty while a required second factor is missing.
  permissions: z.array(z.string().max(60)).max(200),
  expiresAt: z.iso.datetime(),
});
export type SessionAnswer = z.infer<typeof SessionAnswer>;

export const OidcStartQuery = z.object({
  tenant: TenantSlug,
  // Where in the console to land; anything else than a path of the console lands on its home.
  returnTo: z.string().max(2_000).optional(),
  // The second factor is to be shown anew, for what asks for a fresh one.
  fresh: z.enum(['1']).optional(),
});
/** What the provider adds beside is left out. */
export const OidcCallbackQuery = z.object({
  code: z.string().max(4_000).optional(),
  state: z.string().max(200).regex(storable).optional(),
  iss: z.string().max(2_000).optional(),
  error: z.string().max(200).optional(),
  error_description: z.string().max(2_000).optional(),
});
export type OidcCallbackQuery = z.infer<typeof OidcCallbackQuery>;
export const Redirected = z.strictObject({ location: z.string().max(8_000) });
/** Of 204. */
export const Nothing = z.null();
