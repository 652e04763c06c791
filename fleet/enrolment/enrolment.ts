import type { VerificationKey } from '../../contracts/signed-document.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Db } from '../db/tenancy.ts';
import type { Route } from '../http/route.ts';
import { type AbuseGuard, type AbuseGuardSettings, createAbuseGuard } from './abuse/abuse-guard.ts';
import { denialRoutes } from './abuse/denial-routes.ts';
import { createDenyList } from './abuse/deny-list.ts';
import { type Authority, openAuthority } from './authority/authority.ts';
import { createSigner, type SignerOptions } from './authority/signer.ts';
import { createDeviceGate, type DeviceGate } from './device-gate.ts';
import { deviceLifeRoutes } from './device-life-routes.ts';
import { deviceEnrolmentRoutes } from './device-routes.ts';
import { createStandingCache } from './standing-cache.ts';
import { ticketRoutes } from './ticket-routes.ts';

export interface EnrolmentSettings extends Pick<AbuseGuardSettings, 'limits' | 'onDenied' | 'onFault'> {
  db: Db;
  keyring: Keyring;
  now: () => Date;
  signingKeys(): Promise<VerificationKey[]>;
  /** From `signingThread()`. */
  thread: SignerOptions;
  mostTicketLifeSec?: number;
}

export interface Enrolment {
  authority: Authority;
  /** Who calls the device API. */
  gate: DeviceGate;
  /** For sign-in too: it counts who fails. */
  guard: AbuseGuard;
  routes: readonly Route[];
  close(): Promise<void>;
}

export async function openEnrolment(settings: EnrolmentSettings): Promise<Enrolment> {
  const { db, keyring, now, signingKeys, thread, mostTicketLifeSec } = settings;
  const signer = createSigner(thread);
  const authority = await openAuthority({ db, keyring, signer, now });
  const guard = createAbuseGuard({ ...settings, denyList: createDenyList({ db, now }) });
  const standings = createStandingCache({ db, now });
  return {
    authority,
    guard,
    gate: createDeviceGate({ authority, standings, guard, now }),
    routes: [
      ...deviceEnrolmentRoutes({ keyring, signer, authority, signingKeys, onGuess: (address) => guard.count('ticket-guess', { address }) }),
      ...ticketRoutes({ ca: authority.certificate, signingKeys, ...(mostTicketLifeSec !== undefined && { mostTicketLifeSec }) }),
      ...deviceLifeRoutes({ keyring, standings }),
      ...denialRoutes({ guard }),
    ],
    async close() {
      await signer.close();
      await guard.settled();
    },
  };
}
