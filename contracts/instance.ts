import { z } from 'zod';

/**
 * The Connect instance alias: the first label of `<alias>.my.connect.aws`. ASCII only, as in Connect's own API model
 * (`^(?!d-)([\da-zA-Z]+)([-]*[\da-zA-Z])*$`, at most 45 characters); written in lower case here since DNS ignores case.
 */
export const InstanceAlias = z
  .string()
  .max(45, 'an instance alias has at most 45 characters')
  .regex(
    /^(?!d-)[a-z0-9]+(-*[a-z0-9])*$/,
    'expected the instance alias alone, in lower-case ASCII letters, digits and hyphens: for https://acme.my.connect.aws it is "acme"',
  );

/** An AWS Region id. Which ones Connect serves is data of the allowlist, not of this schema. */
export const Region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'expected an AWS Region id such as us-west-2');

export const Instance = z.strictObject({
  alias: InstanceAlias.optional().describe('First label of <alias>.my.connect.aws; without it only shared hosts are checked'),
  id: z.uuid().optional().describe('Instance id, needed for the Global Resiliency sign-in host'),
  region: Region.describe('Region of the Connect instance'),
  identity: z
    .enum(['saml', 'non-saml'])
    .default('saml')
    .describe('How agents sign in; non-saml adds the sign-in hosts that AWS introduced in 2026'),
  govCloud: z.boolean().default(false).describe('True for AWS GovCloud (US)'),
});
export type Instance = z.infer<typeof Instance>;

export const Features = z.strictObject({
  voice: z.boolean().default(true).describe('Softphone calls: UDP 3478 to the TURN hosts'),
  chat: z.boolean().default(true).describe('Chat, task and messaging contacts'),
  attachments: z
    .union([z.literal(false), z.strictObject({ bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/) })])
    .default(false)
    .describe('Attachments go to a bucket of your own: name it'),
  video: z.boolean().default(false).describe('Video, in-app and web calling'),
  globalResiliency: z.boolean().default(false).describe('Amazon Connect Global Resiliency: the paired Region must be reachable too'),
  screenRecording: z.boolean().default(false).describe('Screen recording client and browser extension'),
  vdi: z.boolean().default(false).describe('Agents work in VDI guests with audio redirected to their own device'),
});
export type Features = z.infer<typeof Features>;
