import type { Clock, Platform } from '../../checks/host.ts';
import { createMediaPacketReader } from '../activity/media-packets.ts';
import { createMicrophoneReader } from '../activity/microphone.ts';
import type { ActivityReader } from '../activity/reader.ts';
import { resolveAddresses } from '../host/resolve-addresses.ts';
import { createBrowserPolicy } from './browser-policy/browser-policy.ts';
import { createEgress } from './egress/egress.ts';
import type { Enforcer } from './enforcer.ts';
import type { Ledger } from './ledger.ts';

export interface GatePartSettings {
  platform: Platform;
  ledger: Ledger;
  clock: Clock;
}

/** What closes the CCP from the privileged side. */
export function createEnforcers({ platform, ledger, clock }: GatePartSettings): Enforcer[] {
  return [createEgress({ platform, ledger, resolve: resolveAddresses, clock }), createBrowserPolicy({ platform, ledger })];
}

/** What sees a call from the privileged side. */
export function createActivityReaders({ platform, ledger }: GatePartSettings, mediaPrefixes: () => readonly string[]): ActivityReader[] {
  return [createMediaPacketReader({ ledger, prefixes: mediaPrefixes }), createMicrophoneReader({ platform })];
}
