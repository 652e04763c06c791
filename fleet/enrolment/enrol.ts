import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { EnrolAnswer, EnrolRequest } from '../../contracts/fleet-api.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Tx } from '../db/tenancy.ts';
import { FleetFault } from '../http/fault.ts';
import type { Authority } from './authority/authority.ts';
import type { Signer } from './authority/signer.ts';
import { hostNameIndex, hostNamePlace } from './host-name.ts';
import { issueCertificate } from './issue-certificate.ts';
import { enterByTicket, type PresentedTicket, takeUse, ticketRefused } from './presented-ticket.ts';

/** RFC 6238 wants as many as the hash has. */
const RELEASE_SECRET_BYTES = 20;
/** Whose answer was lost comes again soon; afterwards a ticket that has ended is no way to another certificate. */
const ANSWER_AGAIN_MS = 7 * 24 * 60 * 60_000;
/** A desk asks again after a tenth of the time that it has waited, between these. */
const LEAST_WAIT_SEC = 30;
const MOST_WAIT_SEC = 900;

export interface EnrolDeps {
  keyring: Keyring;
  signer: Signer;
  authority: Authority;
  /** Somebody showed a secret that is no ticket's. May refuse him with `slow-down`. */
  onGuess(address: string): Promise<void>;
}

export interface EnrolCall {
  /** Of the nil tenant; left in the ticket's. */
  tx: Tx;
  now: Date;
  address: string;
  request: EnrolRequest;
  /** Whose call it turns out to be. */
  attribute(tenant: string): void;
  audit(target: { type: string; id: string }, change?: { after: unknown }): void;
}

interface KnownDevice {
  id: string;
  status: string;
  ticket_id: string | null;
  host_name_index: Buffer;
  release_secret_sealed: Buffer | null;
  created_at: Date;
  enrolled_at: Date | null;
}

/** Takes a desk in by its ticket, or says how far it has come. */
export async function enrol(deps: EnrolDeps, { tx, now, address, request, attribute, audit }: EnrolCall): Promise<EnrolAnswer> {
  const ticket = await enterByTicket(tx, request.secret, address, now);
  if (!ticket) {
    await deps.onGuess(address);
    throw ticketRefused('there is none');
  }
  attribute(ticket.tenant);
  audit({ type: 'ticket', id: ticket.id });
  if (ticket.void) throw ticketRefused(ticket.spent ?? 'revoked');
  const read = await deps.signer.run({ kind: 'request', csr: request.csr });
  if (!read.ok) throw new FleetFault('bad-request', read.why, { path: 'body.csr' });
  const spkiHash = createHash('sha256').update(read.spki).digest();
  const nameIndex = await hostNameIndex(deps.keyring, tx, ticket, request.hostName);

  const known = await findByKey(tx, spkiHash);
  if (!known && ticket.spent !== null) throw ticketRefused(ticket.spent);
  const made = known ? null : await insertDevice(deps, tx, { ticket, request, spkiHash, nameIndex, now });
  const device = made ?? known ?? (await findByKey(tx, spkiHash));
  // The key is enrolled in another instance of the tenant, whose desks this call does not see.
  if (!device) throw ticketRefused('this key is enrolled elsewhere');
  audit({ type: 'device', id: device.id }, ...(made ? [{ after: { status: device.status, ticket: ticket.id } }] : []));
  if (!made) await meetAgain(tx, device, { ticket, nameIndex, now });

  const answer = await answerFor(deps, tx, device, { ticket, spki: read.spki, now });
  if (made) await takeUse(tx, ticket, now);
  return answer;
}

async function findByKey(tx: Tx, spkiHash: Buffer): Promise<KnownDevice | undefined> {
  return tx
    .selectFrom('device')
    .select(['id', 'status', 'ticket_id', 'host_name_index', 'release_secret_sealed', 'created_at', 'enrolled_at'])
    .where('spki_hash', '=', spkiHash)
    .executeTakeFirst();
}

interface NewDevice {
  ticket: PresentedTicket;
  request: EnrolRequest;
  spkiHash: Buffer;
  nameIndex: Buffer;
  now: Date;
}

/** Null: a concurrent call with the same key was first. */
async function insertDevice(
  deps: EnrolDeps,
  tx: Tx,
  { ticket, request, spkiHash, nameIndex, now }: NewDevice,
): Promise<KnownDevice | null> {
  const id = randomUUID();
  const identity = await deps.keyring.key(tx, ticket, 'identity');
  const secrets = await deps.keyring.key(tx, ticket, 'secrets');
  const isApproved = ticket.approval === 'automatic';
  // A group that was deleted since the ticket was made.
  const group = ticket.group && (await tx.selectFrom('hierarchy_group').select('id').where('id', '=', ticket.group).executeTakeFirst());
  const device = {
    id,
    status: isApproved ? ('enrolled' as const) : ('pending' as const),
    ticket_id: ticket.id,
    host_name_index: nameIndex,
    release_secret_sealed: secrets.seal(releaseSecretPlace(id), randomBytes(RELEASE_SECRET_BYTES)),
    created_at: now,
    enrolled_at: isApproved ? now : null,
  };
  const inserted = await tx
    .insertInto('device')
    .values({
      ...device,
      tenant_id: ticket.tenant,
      instance_id: ticket.instance,
      spki_hash: spkiHash,
      host_name_sealed: identity.seal(hostNamePlace(id), request.hostName),
      platform: request.agent.platform,
      group_id: group ? group.id : null,
      tags: JSON.stringify(ticket.tags),
      status_changed_at: now,
    })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'spki_hash']).doNothing())
    .returning('id')
    .executeTakeFirst();
  return inserted ? device : null;
}

/** A desk whose key is known: nothing of it changes, but that it comes by other means is written down. */
async function meetAgain(
  tx: Tx,
  device: KnownDevice,
  { ticket, nameIndex, now }: Pick<NewDevice, 'ticket' | 'nameIndex' | 'now'>,
): Promise<void> {
  if (device.status !== 'pending' && device.status !== 'enrolled') throw ticketRefused(`this desk was ${device.status}`);
  const isByAnother = device.ticket_id !== ticket.id;
  const isStale = device.enrolled_at !== null && now.getTime() - device.enrolled_at.getTime() > ANSWER_AGAIN_MS;
  const isSpent = ticket.spent !== null && ticket.spent !== 'used up';
  if ((isByAnother && ticket.spent !== null) || (isStale && isSpent)) throw ticketRefused(ticket.spent ?? 'expired');
  if (isByAnother || !device.host_name_index.equals(nameIndex)) {
    await tx.updateTable('device').set({ key_reused_at: now }).where('id', '=', device.id).execute();
  }
}

async function answerFor(
  deps: EnrolDeps,
  tx: Tx,
  device: KnownDevice,
  { ticket, spki, now }: { ticket: PresentedTicket; spki: Uint8Array; now: Date },
): Promise<EnrolAnswer> {
  if (device.status === 'pending') {
    const waitedSec = (now.getTime() - device.created_at.getTime()) / 1_000;
    const retryAfterSec = Math.round(Math.min(MOST_WAIT_SEC, Math.max(LEAST_WAIT_SEC, waitedSec / 10)));
    return { schema: 1, status: 'pending', retryAfterSec };
  }
  const row = tx.selectFrom('instance').select(['alias', 'region']).where('instance_id', '=', ticket.instance);
  const instance = await row.executeTakeFirstOrThrow();
  const sealed = device.release_secret_sealed;
  const releaseSecret = sealed && (await deps.keyring.open(tx, ticket, 'secrets', releaseSecretPlace(device.id), sealed));
  const issued = await issueCertificate(deps.authority, tx, { ...ticket, id: device.id }, spki, now);
  return {
    schema: 1,
    status: 'enrolled',
    device: device.id,
    instance: { alias: instance.alias, region: instance.region },
    certificate: issued.certificate,
    releaseSecret: releaseSecret ? releaseSecret.toString('base64url') : null,
  };
}

/** Of the secret that a desk's release codes are made from: the policies' side reads it. */
export function releaseSecretPlace(device: string) {
  return { table: 'device', row: device, field: 'release_secret_sealed' };
}
