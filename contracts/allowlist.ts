import { z } from 'zod';
import { Region } from './instance.ts';

/** `seen`: this host is known to answer STUN or TURN without credentials, so its silence is a block. */
export const TurnHost = z.strictObject({
  host: z.string().max(253),
  standing: z.enum(['official', 'reported']),
  answers: z.enum(['seen', 'unknown']),
});
export type TurnHost = z.infer<typeof TurnHost>;

export const RowFeature = z.enum([
  'core',
  'voice',
  'chat',
  'attachments',
  'video',
  'global-resiliency',
  'screen-recording',
  'saml',
  'non-saml',
  'non-saml-gov',
]);
export type RowFeature = z.infer<typeof RowFeature>;

/**
 * One row of AWS's network requirements. `pattern` may hold `{alias}`, `{instanceDomain}`, `{instanceId}`, `{bucket}`,
 * `{region}` and `*`; a list of the Region stands as `[turn]`, `[static]`, `[staticNonSaml]`, `[scheduling]`, `[samlSignin]`.
 */
export const AllowlistRow = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]+$/),
  pattern: z.string().max(253),
  port: z.int().min(1).max(65_535),
  protocol: z.enum(['tcp', 'udp']),
  need: z.enum(['required', 'optional']),
  feature: RowFeature,
  purpose: z.enum([
    'ccp',
    'static',
    'signalling',
    'telemetry',
    'chat',
    'attachments',
    'media',
    'sign-in',
    'recording',
    'diagnostics',
    'data',
  ]),
  websocket: z.boolean(),
  source: z.string().max(300),
});
export type AllowlistRow = z.infer<typeof AllowlistRow>;

export const AllowlistRegion = z.strictObject({
  name: z.string(),
  status: z.enum(['documented', 'replica-only', 'unconfirmed']),
  partition: z.enum(['aws', 'aws-us-gov']),
  instanceDomain: z.string(),
  turn: z.array(TurnHost),
  static: z.array(z.string()),
  staticNonSaml: z.array(z.string()),
  scheduling: z.array(z.string()),
  samlSignin: z.array(z.string()),
});
export type AllowlistRegion = z.infer<typeof AllowlistRegion>;

/** Prefixes of one service in one Region (`GLOBAL`, or `*` where Regions were folded together), in CIDR notation. */
export const PrefixSet = z.strictObject({ region: z.string(), v4: z.array(z.string()), v6: z.array(z.string()) });
export type PrefixSet = z.infer<typeof PrefixSet>;

export const ExpectedRoot = z.strictObject({
  name: z.string(),
  /** SHA-256 of the certificate, upper-case hex. */
  sha256: z.string().regex(/^[0-9A-F]{64}$/),
  pem: z.string(),
});
export type ExpectedRoot = z.infer<typeof ExpectedRoot>;

export const Allowlist = z.strictObject({
  schema: z.literal(1),
  revision: z.int().positive(),
  createdAt: z.iso.datetime(),
  /** The ip-ranges.json the prefixes were taken from. */
  ipRanges: z.strictObject({ syncToken: z.string(), createDate: z.string() }),
  rows: z.array(AllowlistRow),
  regions: z.record(Region, AllowlistRegion),
  /** Regions that stand in for each other under Global Resiliency. */
  resiliencyPairs: z.array(z.tuple([Region, Region])),
  prefixes: z.record(z.string(), z.array(PrefixSet)),
  roots: z.array(ExpectedRoot),
});
export type Allowlist = z.infer<typeof Allowlist>;
