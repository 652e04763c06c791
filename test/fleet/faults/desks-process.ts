// A process of its own, so that no kill takes what it was acknowledged: desks that enrol and report, each by the agent's own client.
import { setTimeout as delay } from 'node:timers/promises';
import { createFleetClient, type FleetClient, fetchTrust } from '../../../agent/fleet-link/client.ts';
import { newDeviceKey, newSigningRequest } from '../../../agent/fleet-link/device-key.ts';
import type { Credentials } from '../../../agent/fleet-link/fleet-line.ts';
import { LINK_DEADLINES } from '../../../agent/fleet-link/limits.ts';
import type { Answer } from '../../../agent/fleet-link/link-failure.ts';
import { systemClock } from '../../../agent/host/clock.ts';
import { type Made, restlessDesk } from './restless-desk.ts';

export interface EnrolledDesk extends Credentials {
  device: string;
  ca: string;
}

export interface Enrol {
  servers: string[];
  secret: string;
  desks: number;
  /** A desk hangs up in the midst of every so manieth report, and sends it again. */
  hangUpEvery?: number;
}

/** How one sending of a report ended: `stored`, or the code of what the desk knows then. */
export interface Ended {
  id: string;
  how: string;
  detail: string;
  server: number;
}

export type Order = { enrol: Enrol } | { go: true } | { finish: true };
export type Told = { enrolled: EnrolledDesk[] } | { made: Made } | { ended: Ended } | { heard: string } | { finished: true };

/** Between two reports of one desk; the fleet takes 50 a second from each. */
const PACE_MS = 25;
/** Desks rest for the seconds that the fleet asks for; these are in a hurry. */
const REST_MS = 150;
const HEARTBEAT_EVERY = 8;
const LONGEST_HANG_UP_MS = 40;

let finishing = false;
let servers: string[] = [];
let hangUpEvery = Number.POSITIVE_INFINITY;
let desks: EnrolledDesk[] = [];

process.on('message', (order: Order) => {
  if ('enrol' in order) void enrolAll(order.enrol).then((enrolled) => tell({ enrolled }));
  else if ('go' in order) {
    finishing = false;
    void Promise.all(desks.map((desk, index) => run(desk, index))).then(() => tell({ finished: true }));
  } else finishing = true;
});
process.on('disconnect', () => process.exit());

function tell(told: Told): void {
  process.send?.(told);
}

const lineTo = (server: string) => ({ server, proxyFor: () => null, deadlines: LINK_DEADLINES, clock: systemClock });

async function enrolAll(order: Enrol): Promise<EnrolledDesk[]> {
  ({ servers, hangUpEvery = hangUpEvery } = order);
  const line = lineTo(servers[0] ?? '');
  const { ca } = wanted(await fetchTrust(line, new AbortController().signal));
  desks = await Promise.all(
    Array.from({ length: order.desks }, async (_, index) => {
      const key = await newDeviceKey();
      const csr = await newSigningRequest(key);
      const agent = { version: '0.1.0', platform: 'linux' } as const;
      const client = createFleetClient({ ...line, ca, credentials: null });
      const answer = wanted(await client.enrol({ schema: 1, secret: order.secret, csr, hostName: `desk-${index}.example.com`, agent }));
      await client.close();
      if (answer.status !== 'enrolled') throw new Error(`a desk waits: ${answer.status}`);
      return { device: answer.device, certificate: answer.certificate, key, ca };
    }),
  );
  return desks;
}

const stories = new Map<string, ReturnType<typeof restlessDesk>>();

/** Makes no report before the last one was acknowledged, and goes to another server when one fails it. */
async function run({ device, ca, ...credentials }: EnrolledDesk, index: number): Promise<void> {
  const story = stories.get(device) ?? restlessDesk(device);
  stories.set(device, story);
  const open = (to: string) => createFleetClient({ ...lineTo(to), ca, credentials });
  const clients = servers.map(open);
  let server = index % clients.length;
  const client = () => clients[server] as FleetClient;
  for (let count = 1; !finishing; count++) {
    const { report, made } = story.next();
    tell({ made });
    let hangsUp = count % hangUpEvery === 0;
    for (;;) {
      const sending = client().report(report);
      if (hangsUp) {
        await delay(Math.random() * LONGEST_HANG_UP_MS);
        await client().close();
        clients[server] = open(servers[server] ?? '');
        hangsUp = false;
      }
      const answer = await sending;
      const { code, detail } = answer.ok ? { code: 'stored', detail: '' } : answer.fault;
      tell({ ended: { id: report.id, how: code, detail, server } });
      if (answer.ok) break;
      server = (server + 1) % clients.length;
      await delay(REST_MS * (0.5 + Math.random()));
    }
    if (count % HEARTBEAT_EVERY === 0) {
      const heard = await client().heartbeat(story.heartbeat());
      tell({ heard: heard.ok ? 'stored' : heard.fault.code });
    }
    await delay(PACE_MS * (0.5 + Math.random()));
  }
  await Promise.all(clients.map((one) => one.close()));
}

function wanted<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(`${answer.fault.code}: ${answer.fault.detail}`);
  return answer.value;
}
