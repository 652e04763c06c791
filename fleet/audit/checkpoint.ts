import { createPublicKey, type KeyObject, randomUUID, sign, verify } from 'node:crypto';
import { sql } from 'kysely';
import { AuditRecord } from '../../contracts/console/audit.ts';
import { type Db, NIL_ID, type Tx } from '../db/tenancy.ts';
import { appendAudit } from './append.ts';
import type { Link } from './chain.ts';

const ACTION = 'audit.checkpoint';
const EVERY_MS = 3_600_000;

export interface Signer {
  kid: string;
  /** Of the Ed25519 public key, 32 bytes in base64url. */
  x: string;
}

/** A record of a chain that says, signed, which link stood in it: who can write to the database alone cannot say so of another. */
export interface Checkpoint {
  link: Link;
  at: string;
  kid: string;
  signature: Uint8Array;
}

export interface CheckpointDeps {
  db: Db;
  now: () => Date;
  /** By age; the newest that is not kept offline signs. */
  keys: { all(): readonly (Signer & { privateKey: KeyObject | null })[] };
  stop?: AbortSignal;
  /** A log that is kept elsewhere makes a chain that was cut behind it show, too. */
  onSigned(tenant: string, link: Link): void;
}

/** Signs the head of each chain that grew, once an hour, whichever replica comes first. May be called as often as one likes. */
export async function signCheckpoints(deps: CheckpointDeps): Promise<void> {
  const faults: unknown[] = [];
  for (const tenant of [...(await deps.db.tenants()).map(({ id }) => id), NIL_ID]) {
    if (deps.stop?.aborted) return;
    try {
      const link = await deps.db.within({ tenant }, (tx) => signHead(tx, tenant, deps));
      if (link) deps.onSigned(tenant, link);
    } catch (error) {
      faults.push(error);
    }
  }
  if (faults.length > 0) throw new AggregateError(faults, `${faults.length} chains of audit were not signed: ${faults[0]}`);
}

async function signHead(tx: Tx, tenant: string, { keys, now }: CheckpointDeps): Promise<Link | null> {
  const key = keys.all().findLast(({ privateKey }) => privateKey !== null);
  if (!key?.privateKey) return null;
  // Two that see the same head would both sign it.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${tenant} ${ACTION}`}, 0))`.execute(tx);
  const { rows } = await sql<Link>`
    select h.seq, h.hash from audit_head h
    left join lateral (select r.seq, r.at from audit_record r where r.tenant_id = h.tenant_id and r.action = ${ACTION}
      order by r.seq desc limit 1) last on true
    left join lateral (select r.at from audit_record r where r.tenant_id = h.tenant_id order by r.seq limit 1) first on true
    where h.tenant_id = ${tenant} and h.seq > coalesce(last.seq, 0)
      and coalesce(last.at, first.at) <= ${new Date(now().getTime() - EVERY_MS)}`.execute(tx);
  const [link] = rows;
  if (!link) return null;
  const at = now().toISOString();
  const signature = sign(null, textOf(tenant, link, at), key.privateKey).toString('base64url');
  await appendAudit(tx, tenant, {
    eventId: randomUUID(),
    at,
    actor: { kind: 'system' },
    action: ACTION,
    status: 200,
    targets: [
      { type: 'audit', id: nameOf(link) },
      { type: 'signature', id: `${key.kid}:${signature}` },
    ],
    requestId: 'checkpoint',
  });
  return link;
}

/** What a record says as a checkpoint; null for any other record. */
export function checkpointOf(record: string): Checkpoint | null {
  if (!record.includes(`"${ACTION}"`)) return null;
  const { action, at, targets } = AuditRecord.parse(JSON.parse(record));
  if (action !== ACTION) return null;
  const [, seq = '0', hash = ''] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(targets[0]?.id ?? '') ?? [];
  const [kid = '', signature = ''] = targets[1]?.id.split(':') ?? [];
  return { link: { seq: Number(seq), hash: Buffer.from(hash, 'hex') }, at, kid, signature: Buffer.from(signature, 'base64url') };
}

export function isSignedBy(signers: readonly Signer[], tenant: string, { link, at, kid, signature }: Checkpoint): boolean {
  const signer = signers.find((one) => one.kid === kid);
  if (!signer) return false;
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: signer.x } });
  return verify(null, textOf(tenant, link, at), key, signature);
}

export function nameOf({ seq, hash }: Link): string {
  return `${seq}:${Buffer.from(hash).toString('hex')}`;
}

/** With spaces, which no signing input of a document has. */
function textOf(tenant: string, link: Link, at: string): Buffer {
  return Buffer.from(`deskwarden audit checkpoint ${tenant} ${nameOf(link)} ${at}`);
}
