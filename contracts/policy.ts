import { z } from 'zod';
import { CheckId, RuleId, Vantage } from './finding.ts';
import { Features, Instance } from './instance.ts';

export const Enforcement = z.enum(['block', 'warn', 'note']);
export type Enforcement = z.infer<typeof Enforcement>;

/** Twelve hours: one shift. No rule may look away for longer, and no grace may outlast it. */
const SHIFT_MS = 12 * 60 * 60_000;

const enforcements = {
  fail: Enforcement,
  degraded: Enforcement,
  unknown: Enforcement,
};

const timing = {
  everyMs: z.int().min(1_000).max(SHIFT_MS).describe('How often the rule is checked, in milliseconds'),
  settleMs: z.int().min(0).max(SHIFT_MS).describe('How long a bad outcome must last before it counts'),
  graceMs: z.int().min(0).max(SHIFT_MS).describe('How long a blocking rule only warns before it blocks'),
  recoverRuns: z.int().min(1).max(20).describe('Good runs in a row that end a bad streak'),
  critical: z.boolean().describe('May close the CCP during a call'),
};

/** A rule as the desk obeys it: everything written out. */
export const Rule = z.strictObject({
  id: RuleId,
  check: CheckId,
  params: z.record(z.string(), z.unknown()),
  ...timing,
  vantage: Vantage.optional().describe('Only on desks of this kind'),
  on: z.strictObject(enforcements).describe('What each bad outcome does'),
});
export type Rule = z.infer<typeof Rule>;

const HostName = z
  .string()
  .max(253)
  .regex(
    /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}$/i,
    'expected a host name without scheme, port, path or trailing dot',
  )
  .transform((name) => name.toLowerCase());

export const NetworkSettings = z.strictObject({
  proxy: z
    .union([z.literal('none'), z.literal('env'), z.url({ protocol: /^http$/ })])
    .default('none')
    .describe('Path of the TCP 443 probes: none (direct), env (HTTPS_PROXY and NO_PROXY), or an http:// proxy URL'),
  turnAnswers: z
    .enum(['expected', 'unknown'])
    .default('unknown')
    .describe('expected: the TURN hosts are known to answer without credentials, so that silence is a block'),
  websocketAnswers: z
    .enum(['expected', 'unknown'])
    .default('unknown')
    .describe('expected: the WebSocket hosts are known to upgrade without credentials, so that a refusal is the path'),
  hosts: z
    .record(z.string(), z.array(HostName).min(1).max(16))
    .default({})
    .describe('Concrete hosts for wildcard rows of the allowlist, by row id, read from a live CCP'),
  optional: z.array(z.string()).max(32).default([]).describe('Optional rows of the allowlist that this site needs'),
  extraRoots: z
    .array(
      z
        .string()
        .max(8_192)
        .regex(/^-----BEGIN CERTIFICATE-----/, 'expected one certificate in PEM'),
    )
    .max(8)
    .default([])
    .describe('Roots that are expected beside those of the allowlist, as PEM'),
});
export type NetworkSettings = z.infer<typeof NetworkSettings>;

export const GateSettings = z.strictObject({
  mode: z.enum(['observe', 'enforce']).default('observe').describe('observe: say what would happen; enforce: close the CCP'),
  onAgentLoss: z.enum(['open', 'closed']).default('open').describe('What holds when the daemon is not there'),
  maxDrainMs: z
    .int()
    .min(0)
    .max(SHIFT_MS)
    .default(2 * 60 * 60_000)
    .describe('Longest drain whose call activity is unknown'),
  exemptUids: z
    .array(z.int().nonnegative())
    .max(100)
    .default([])
    .describe('Users of this computer who are no agents: their network stays as it is'),
});

export const HttpsOrigin = z
  .string()
  .max(300)
  .regex(
    /^https:\/\/[a-z0-9.-]+(:\d{1,5})?$/,
    'expected an origin such as https://login.example.com: lower case, no path, no slash at its end',
  );

export const CcpSettings = z.strictObject({
  page: z
    .url({ protocol: /^https$/ })
    .max(1_000)
    .optional()
    .describe('What the CCP window opens instead of the CCP itself: a page of yours that embeds it'),
  loginOrigins: z
    .array(HttpsOrigin)
    .max(20)
    .default([])
    .describe('Origins of your identity provider, which the CCP window may open to sign in'),
});
export type CcpSettings = z.infer<typeof CcpSettings>;

export const ReportingSettings = z.strictObject({
  fields: z
    .array(z.string())
    .max(200)
    .default([])
    .describe('Evidence fields that may leave the desk; empty: those classed public or internal'),
});

const shared = {
  schema: z.literal(1),
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'expected lower-case letters, digits and hyphens'),
  revision: z.int().positive().default(1),
  instance: Instance,
  features: Features.prefault({}),
  network: NetworkSettings.prefault({}),
  gate: GateSettings.prefault({}),
  ccp: CcpSettings.prefault({}),
  reporting: ReportingSettings.prefault({}),
  whenUndetermined: z.enum(['open', 'closed']).default('open').describe('Gate while the standing is undetermined'),
  undeterminedGraceMs: z
    .int()
    .min(0)
    .max(SHIFT_MS)
    .default(10 * 60_000),
  verdictTtlMs: z
    .int()
    .min(1_000)
    .max(SHIFT_MS)
    .default(15 * 60_000),
};

/** What the desk obeys and the fleet signs: every rule written out. */
export const Policy = z.strictObject({ ...shared, rules: z.array(Rule).max(200) });
export type Policy = z.infer<typeof Policy>;

/** A rule as people write it: only what differs from what the check recommends. */
export const RulePatch = z.strictObject({
  check: CheckId,
  id: RuleId.optional().describe('Needed only for a second rule of the same check'),
  params: z.record(z.string(), z.unknown()).optional(),
  ...z.strictObject(timing).partial().shape,
  vantage: Vantage.optional(),
  on: z.strictObject(enforcements).partial().optional(),
});
export type RulePatch = z.infer<typeof RulePatch>;

/** A policy file as people write it. */
export const PolicyFile = z.strictObject({
  ...shared,
  base: z
    .enum(['built-in', 'none'])
    .default('built-in')
    .describe('built-in: start from what every check recommends; none: only the rules listed here'),
  rules: z.array(RulePatch).max(200).default([]),
});
export type PolicyFile = z.infer<typeof PolicyFile>;
