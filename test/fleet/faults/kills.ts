import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { joinEmbedded } from '../../../fleet/db/embedded.ts';
import { readPostmaster } from '../../../fleet/db/postmaster-file.ts';
import type { Dice } from '../../faults/fault.ts';
import { childrenOf, isThere, killServer, untilGone } from '../db/stage-server.ts';
import type { FleetLife, FleetPlace } from './fleet-life.ts';
import { sharedMemoryOf } from './leftovers.ts';

/** What is killed, and when: under load, or while it starts. */
export type Kill =
  | 'server'
  | 'everything'
  | 'postmaster'
  | 'postgres'
  | 'backend'
  | 'connections'
  | 'server at its start'
  | 'server as PostgreSQL restarts';

/** So many of each in a row, then another order of them. */
const deck: readonly Kill[] = [
  'server',
  'everything',
  'postmaster',
  'postgres',
  'backend',
  'connections',
  'server at its start',
  'server as PostgreSQL restarts',
];

/** Every kind about as often, also in few kills. */
export function* throwKills(dice: Dice): Generator<Kill, never> {
  for (;;) {
    const left = [...deck];
    while (left.length > 0) yield left.splice(dice.below(left.length), 1)[0] as Kill;
  }
}

const LONGEST_LOAD_MS = 1_200;
const LONGEST_START_MS = 1_500;
const CUTS = 20;
const LONGEST_CUT_MS = 40;
const LONGEST_RESTART_MS = 700;

export interface Killed {
  /** Shared memory that died with its owner. */
  shared: readonly string[];
  /** True when the server must be started again. */
  fleet: boolean;
}

/** Kills at an instant, and waits until what was killed is gone. */
export async function kill(kind: Kill, place: FleetPlace, life: FleetLife, dice: Dice): Promise<Killed> {
  await delay(dice.below(LONGEST_LOAD_MS));
  const dataDir = path.join(place.dataDir, 'postgresql', 'data');
  const running = await readPostmaster(dataDir);
  if (!running) throw new Error(`no PostgreSQL runs in ${dataDir}`);
  const shared = await sharedMemoryOf(running.pid);
  const restMs = dice.below(LONGEST_RESTART_MS);
  switch (kind) {
    case 'server':
    case 'server at its start':
      await life.end('SIGKILL');
      break;
    case 'everything':
      await Promise.all([life.end('SIGKILL'), killServer(running.pid)]);
      break;
    case 'postmaster':
    case 'server as PostgreSQL restarts':
      process.kill(running.pid, 'SIGKILL');
      await untilGone([running.pid]);
      if (kind === 'postmaster') break;
      await delay(restMs);
      await life.end('SIGKILL');
      break;
    case 'postgres':
      await killServer(running.pid);
      break;
    case 'backend': {
      const backends = (await childrenOf(running.pid)).filter(isThere);
      process.kill(dice.pick(backends), 'SIGKILL');
      break;
    }
    case 'connections':
      await cutConnections(place, dice);
  }
  return { shared, fleet: !['postmaster', 'postgres', 'backend', 'connections'].includes(kind) };
}

/** As an administrator does, and a firewall: some here, some a moment later. */
async function cutConnections(place: FleetPlace, dice: Dice): Promise<void> {
  const address = await joinEmbedded(path.join(place.dataDir, 'postgresql'));
  if (!address) throw new Error('no PostgreSQL runs');
  const client = new pg.Client({ connectionString: address.appUrl });
  await client.connect();
  for (let cut = 0; cut < CUTS; cut++) {
    await client.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name like 'deskwarden-fleet%' and pid <> pg_backend_pid() and random() < 0.5`);
    await delay(dice.below(LONGEST_CUT_MS));
  }
  await client.end();
}

/** Of a server that is killed while it starts. */
export function startInstantMs(dice: Dice): number {
  return dice.below(LONGEST_START_MS);
}
