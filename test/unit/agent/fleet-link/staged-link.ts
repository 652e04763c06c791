import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newDeviceKey, newSigningRequest } from '../../../../agent/fleet-link/device-key.ts';
import { askAgain, type EnrolOutcome, type EnrolSettings } from '../../../../agent/fleet-link/enrol.ts';
import { type IdentityFile, openIdentity } from '../../../../agent/fleet-link/identity.ts';
import type { LinkDeadlines } from '../../../../agent/fleet-link/limits.ts';
import type { Enrolment } from '../../../../contracts/identity.ts';
import { type FakeClock, fakeClock } from '../../../fakes/fake-clock.ts';
import { type Fleet, type FleetSettings, startFleet } from '../../../servers/fleet/start-fleet.ts';

/** Near the real time: TLS itself looks at no other clock. */
const START = new Date(Math.floor(Date.now() / 1_000) * 1_000).toISOString();
export const DAY_MS = 24 * 60 * 60_000;

/** Short, so that a test of a deadline takes no longer; long enough for a handshake on a busy machine. */
export const DEADLINES: LinkDeadlines = {
  connectMs: 3_000,
  tunnelMs: 3_000,
  handshakeMs: 3_000,
  headersMs: 3_000,
  bodyMs: 3_000,
  totalMs: 4_000,
};

export const agent = { version: '0.1.0', platform: 'linux' as const };
export const IMAGE = 'a'.repeat(64);

export interface Stage {
  fleet: Fleet;
  clock: FakeClock;
  /** A fleet and a desk that have the same time. */
  newDir(): Promise<string>;
  openIdentity(stateDir: string, image?: string | null, goldenImage?: boolean): Promise<IdentityFile>;
  enrolSettings(identity: IdentityFile, more?: Partial<EnrolSettings>): EnrolSettings;
  /** With one key for all, since making one takes long. */
  enrolled(stateDir: string): Promise<{ identity: IdentityFile; enrolled: Enrolment }>;
  close(): Promise<void>;
}

export async function stage(settings: FleetSettings = {}): Promise<Stage> {
  const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-link-'));
  const clock = fakeClock(START);
  const fleet = await startFleet({ now: clock.wallMs, ...settings });
  let key: Promise<string> | undefined;
  const open = (stateDir: string, image: string | null = IMAGE, goldenImage = false) => openIdentity({ stateDir, image, goldenImage });
  const enrolSettings = (identity: IdentityFile, more: Partial<EnrolSettings> = {}): EnrolSettings => ({
    server: fleet.url,
    ticket: '',
    identity,
    hostName: 'desk-1',
    agent,
    proxyFor: () => null,
    clock,
    deadlines: DEADLINES,
    signal: new AbortController().signal,
    byHand: false,
    ...more,
  });
  return {
    fleet,
    clock,
    newDir: () => mkdtemp(path.join(root, 'desk-')),
    openIdentity: open,
    enrolSettings,
    async enrolled(stateDir) {
      const identity = await open(stateDir);
      const [, secret = ''] = fleet.makeTicket().split('.');
      const trust = { server: fleet.url, ca: fleet.state.ca.certPem, signingKeys: [fleet.state.root] };
      key ??= newDeviceKey();
      const pending = { trust, key: await key, csr: await newSigningRequest(await key), secret, told: null };
      await identity.update((held) => ({ ...held, pending }));
      return { identity, enrolled: enrolledOf(await askAgain(enrolSettings(identity))) };
    },
    async close() {
      await fleet.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

export function enrolledOf(outcome: EnrolOutcome): Enrolment {
  if (outcome.status !== 'enrolled') throw new Error(JSON.stringify(outcome));
  return outcome.enrolled;
}

export function identityText(stateDir: string): Promise<string> {
  return readFile(path.join(stateDir, 'identity.json'), 'utf8');
}
