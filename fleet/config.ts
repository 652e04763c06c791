import path from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { FleetUrl } from '../contracts/config.ts';
import { InstanceAlias, Region } from '../contracts/instance.ts';
import { parseUnknown } from '../contracts/parse.ts';
import { RetentionSettings, retentionTemplates } from './retention/settings.ts';
import { SecretReference } from './secrets/secret-reference.ts';
import { staticKeyLines } from './secrets/static-keys.ts';

const AbsolutePath = z.string().max(4_096).refine(path.isAbsolute, 'expected an absolute path');
const Cidr = z.union([z.cidrv4(), z.cidrv6()]);
const Listen = z.strictObject({ host: z.string().max(253).default('127.0.0.1'), port: z.int().min(0).max(65_535) });
const Slug = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, 'expected lower-case letters, digits and hyphens');

const templates = Object.keys(retentionTemplates) as (keyof typeof retentionTemplates)[];
const Retention = z.union([z.enum(templates).transform((name): RetentionSettings => retentionTemplates[name]), RetentionSettings]);

const Oidc = z.strictObject({
  tenant: Slug,
  issuer: z.url(),
  clientId: z.string().min(1).max(200),
  clientSecret: SecretReference,
  groupsClaim: z.string().max(100).default('groups').describe('Claim of the id token that lists groups'),
  profiles: z.record(z.string().max(200), z.array(z.string().max(100)).max(10)).describe('Security profiles by group of the provider'),
  acceptedAcr: z.array(z.string().max(200)).max(20).default([]).describe('acr values that prove a second factor, beside amr'),
  createAccounts: z.boolean().default(false).describe('Somebody unknown gets an account with the Agent profile alone'),
});

/** What the operator gives the fleet server. Secrets by reference, never in the file. */
export const FleetConfig = z.strictObject({
  schema: z.literal(1),
  dataDir: AbsolutePath.default('/var/lib/deskwarden-fleet').describe('Embedded database, and the keys that wrap data keys'),
  database: z
    .strictObject({
      url: SecretReference.describe('PostgreSQL 15 or newer, as a role without superuser, ownership and BYPASSRLS'),
      ownerUrl: SecretReference.optional().describe('As the owner of the tables, to migrate; else run `deskwarden-fleet migrate`'),
    })
    .optional()
    .describe('Without it an embedded PostgreSQL 18 runs from dataDir'),
  device: z.strictObject({
    listen: Listen.prefault({ port: 7443 }),
    url: FleetUrl.describe('Where desks reach this server; TLS must pass through to it unbroken'),
    names: z.array(z.string().max(253)).max(20).default([]).describe('Further names and addresses of the certificate'),
  }),
  console: z.strictObject({
    listen: Listen.prefault({ port: 8443 }),
    url: FleetUrl.describe('Where people reach the console and its API'),
    certificate: z
      .strictObject({ chain: AbsolutePath, key: AbsolutePath })
      .optional()
      .describe('PEM files; without them a certificate of the own CA is shown'),
    metricsFrom: z.array(Cidr).max(20).default(['127.0.0.0/8', '::1/128']).describe('Networks that may read /metrics'),
  }),
  tenants: z
    .array(
      z.strictObject({
        slug: Slug,
        name: z.string().min(1).max(200),
        region: Region.describe('Where its data is kept'),
        instances: z
          .array(z.strictObject({ alias: InstanceAlias, region: Region }))
          .min(1)
          .max(50),
        retention: Retention.describe('standard, pci, hipaa, or days by stream: there is no default'),
      }),
    )
    .max(50)
    .default([])
    .describe('Made at the start where they are missing; never changed or removed by it'),
  oidc: z.array(Oidc).max(50).default([]),
  allowlistFeed: z
    .union([z.url({ protocol: /^https$/ }), AbsolutePath, z.literal('none')])
    .default('none')
    .describe('ip-ranges.json: AWS’s address, a mirror or a file'),
});
export type FleetConfig = z.infer<typeof FleetConfig>;

export class ConfigFault extends Error {
  override readonly name = 'ConfigFault';
}

/** @throws {ConfigFault} naming the file, the key and what is expected there. */
export function readFleetConfig(text: string, file: string): FleetConfig {
  const [keyLine] = staticKeyLines(text);
  if (keyLine !== undefined)
    throw new ConfigFault(`${file}:${keyLine}: an AWS key does not belong here; the server acts by its workload's own role`);
  const document = parseDocument(text, { uniqueKeys: true });
  const [broken] = document.errors;
  if (broken) throw new ConfigFault(`${file}: ${broken.message}`);
  const parsed = parseUnknown(FleetConfig, document.toJS({ maxAliasCount: 0 }) ?? {});
  if (parsed.ok) return parsed.value;
  const lines = parsed.problems.map(({ path: where, message }) => `${where.join('.') || 'the file'}: ${message}`);
  throw new ConfigFault(`${file} is no configuration of a fleet server\n  ${lines.join('\n  ')}`);
}
