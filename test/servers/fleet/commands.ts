import { z } from 'zod';
import { DocumentClaims, DocumentKind, type SignedDocument } from '../../../contracts/signed-document.ts';
import type { Misbehaviour } from './misbehaviour.ts';
import type { Fleet } from './start-fleet.ts';

const device = z.string();
const times = z.int().positive().optional();

/** What a shell can have a fleet do: one JSON object each. */
const Command = z.discriminatedUnion('do', [
  z.strictObject({
    do: z.literal('ticket'),
    maxUses: z.int().optional(),
    expiresAt: z.number().optional(),
    approval: z.enum(['automatic', 'by-hand']).optional(),
  }),
  z.strictObject({
    do: z.literal('publish'),
    kind: DocumentKind,
    revision: z.int().positive(),
    body: z.unknown(),
    device: device.optional(),
    instance: DocumentClaims.shape.instance.optional(),
  }),
  /** Speaks of a document of this revision, and gives this one, whatever it is. */
  z.strictObject({ do: z.literal('offer'), kind: DocumentKind, revision: z.int().positive(), document: z.unknown() }),
  z.strictObject({ do: z.literal('rotate'), kid: z.string(), revision: z.int().positive() }),
  z.strictObject({ do: z.enum(['approve', 'decline', 'revoke', 'reinstate', 'want-full']), device }),
  z.strictObject({
    do: z.literal('misbehave'),
    path: z.string().default('*'),
    /** Null: well again. */
    how: z.looseObject({ does: z.string() }).nullable(),
    times,
  }),
  z.strictObject({ do: z.enum(['down', 'up', 'state', 'reports', 'heartbeats']) }),
]);

/** Does it, and gives what there is to say. Rejects what is no command. */
export async function obey(fleet: Fleet, raw: unknown): Promise<unknown> {
  const command = Command.parse(raw);
  switch (command.do) {
    case 'ticket': {
      const { maxUses = 1, expiresAt, approval = 'automatic' } = command;
      return { ticket: fleet.makeTicket({ maxUses, approval, ...(expiresAt === undefined ? {} : { expiresAt }) }) };
    }
    case 'publish': {
      const { kind, body, revision, device: to, instance } = command;
      return fleet.publish(kind, body, revision, { ...(to === undefined ? {} : { device: to }), ...(instance && { instance }) });
    }
    case 'offer':
      fleet.state.published.push({ ...command, device: null, document: command.document as SignedDocument });
      return {};
    case 'rotate':
      return fleet.rotate(command.kid, command.revision).publicKey;
    case 'approve':
    case 'decline':
    case 'revoke':
    case 'reinstate':
      fleet[command.do](command.device);
      return {};
    case 'want-full':
      fleet.wantFull(command.device);
      return {};
    case 'misbehave':
      fleet.misbehave(command.path, command.how as Misbehaviour | null, command.times);
      return {};
    case 'down':
    case 'up':
      await fleet[command.do]();
      return {};
    case 'reports':
      return fleet.state.reports;
    case 'heartbeats':
      return fleet.seen.heartbeats;
    case 'state': {
      const { requests, misbehaved, heartbeats, duplicates, sequencesTaken } = fleet.seen;
      const devices = fleet.devices().map(({ id, status, hostName, releaseSecret }) => ({ id, status, hostName, releaseSecret }));
      const counts = { heartbeats: heartbeats.length, reports: fleet.state.reports.length, misbehaved, duplicates, sequencesTaken };
      return { devices, requests, ...counts, lastHeartbeat: heartbeats.at(-1) ?? null };
    }
  }
}
