import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Heartbeat, HeartbeatAnswer, Revisions } from '../../contracts/fleet-api.ts';
import type { Tx } from '../db/tenancy.ts';
import type { HoldingDesk } from '../documents/desk-orders.ts';
import { type DeskMemory, type StandingLine, silenceBefore } from './desk-memory.ts';
import { type InstanceScope, type StateWrite, storableJson, writeHeardStates } from './desk-rows.ts';
import { writeStandings } from './report-rows.ts';
import { type StoreDeps, withDesks } from './store-reports.ts';

export interface HeartbeatDeps extends Omit<StoreDeps, 'evidenceKey'> {
  /** What the fleet has for each of these desks; of a desk that is not in the answer nothing. */
  latestRevisions(tx: Tx, scope: InstanceScope, desks: readonly HoldingDesk[]): Promise<ReadonlyMap<string, Revisions>>;
}

export interface Beat {
  device: string;
  heartbeat: Heartbeat;
}

export type Heard = { kind: 'heard'; answer: HeartbeatAnswer } | { kind: 'unknown' };

const nothing: Revisions = { policy: 0, allowlist: 0, waivers: 0, sealing: 0, keys: 0 };

/** Heartbeats of different desks of one instance. They are not history: each overwrites the one before. */
export async function storeHeartbeats(deps: HeartbeatDeps, scope: InstanceScope, beats: readonly Beat[]): Promise<Heard[]> {
  const devices = beats.map(({ device }) => device);
  return withDesks(deps, scope, devices, async (tx, desks, now) => {
    const known = beats.flatMap(({ device, heartbeat }) => {
      const desk = desks.get(device);
      if (!desk) return [];
      const before: DeskMemory = { ...desk, epochs: new Map() };
      return [{ before, heartbeat, desk: heard(before, heartbeat, now) }];
    });
    if (known.length === 0) return beats.map(() => ({ kind: 'unknown' }));
    await writeHeardStates(
      tx,
      scope,
      known.map(({ desk, heartbeat }): StateWrite => ({ desk, agentVersion: heartbeat.agent.version })),
    );
    await writeHeartbeats(tx, scope, known);
    const gaps = known.flatMap(({ before, desk, heartbeat }) =>
      silenceBefore(before, lineOf(desk, heartbeat, now), now).map((line) => ({ device: desk.device, group: desk.group, line })),
    );
    await writeStandings(tx, scope, gaps, now);
    const latest = await deps.latestRevisions(
      tx,
      scope,
      known.map(({ desk, heartbeat }) => ({ id: desk.device, held: heartbeat.held })),
    );
    await deps.appendAudit(tx, scope.tenant, {
      eventId: randomUUID(),
      at: now.toISOString(),
      actor: { kind: 'device' },
      action: 'heartbeats.accepted',
      status: 200,
      targets: [{ type: 'Instance', id: scope.instance }],
      requestId: 'intake',
      count: known.length,
    });
    return devices.map((device): Heard => {
      const desk = desks.get(device);
      if (!desk) return { kind: 'unknown' };
      const { wantFull } = desk;
      return { kind: 'heard', answer: { schema: 1, serverTime: now.toISOString(), latest: latest.get(device) ?? nothing, wantFull } };
    });
  });
}

function heard(memory: DeskMemory, heartbeat: Heartbeat, now: Date): DeskMemory {
  const { standing, sentAt, gate } = heartbeat;
  const standingSince = standing === memory.standing ? memory.standingSince : timeOf(heartbeat, now);
  return { ...memory, heardAt: now, saidAt: new Date(sentAt), standing, standingSince, gateState: gate.state };
}

function lineOf({ standing, gateState, causes }: DeskMemory, heartbeat: Heartbeat, now: Date): StandingLine {
  return { standing, was: null, gateState, causes, at: timeOf(heartbeat, now) };
}

/** By the desk's clock, but for one that is ahead. */
function timeOf({ sentAt }: Heartbeat, now: Date): Date {
  const said = new Date(sentAt);
  return said < now ? said : now;
}

async function writeHeartbeats(
  tx: Tx,
  { tenant, instance }: InstanceScope,
  known: readonly { desk: DeskMemory; heartbeat: Heartbeat }[],
): Promise<void> {
  const records = known.map(({ desk, heartbeat: { gate, held, health, refused } }) => ({
    ...{ device_id: desk.device, gate, held, health, refused },
  }));
  await sql`
    insert into desk_heartbeat (tenant_id, instance_id, device_id, gate, held, health, refused)
    select ${tenant}, ${instance}, device_id, gate, held, health, refused
    from jsonb_to_recordset(${storableJson(records)}::jsonb) as n(device_id uuid, gate jsonb, held jsonb, health jsonb, refused jsonb)
    on conflict (tenant_id, device_id) do update set gate = excluded.gate, held = excluded.held, health = excluded.health,
      refused = excluded.refused`.execute(tx);
}
