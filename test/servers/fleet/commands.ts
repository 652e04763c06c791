import { z } from 'zod';
import { DocumentKind } from '../../../contracts/signed-document.ts';
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
  }),
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
    case 'publish':
      return fleet.publish(command.kind, command.body, command.revision, command.device === undefined ? {} : { device: command.device });
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
      const { requests, heartbeats, duplicates, sequencesTaken } = fleet.seen;
      const devices = fleet.devices().map(({ id, status, hostName }) => ({ id, status, hostName }));
      const counts = { heartbeats: heartbeats.length, reports: fleet.state.reports.length, duplicates, sequencesTaken };
      return { devices, requests, ...counts, lastHeartbeat: heartbeats.at(-1) ?? null };
    }
  }
}
