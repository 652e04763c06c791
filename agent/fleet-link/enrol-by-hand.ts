import os from 'node:os';
import type { Platform } from '../../checks/host.ts';
import { systemClock } from '../host/clock.ts';
import type { ProxyChooser } from '../host/proxy-settings.ts';
import { type EnrolOutcome, type EnrolStep, enrol } from './enrol.ts';
import { openIdentity } from './identity.ts';
import { LINK_DEADLINES } from './limits.ts';
import { readMachineImage } from './machine-image.ts';

export interface EnrolByHand {
  stateDir: string;
  server: string;
  ticket: string;
  version: string;
  platform: Platform;
  proxyFor: ProxyChooser;
  signal: AbortSignal;
  onStep: (step: EnrolStep) => void;
}

/** As an administrator does on the command line: a daemon that runs takes the identity up by itself. Rejects with a `StoreError`. */
export async function enrolByHand({ stateDir, version, platform, ...asked }: EnrolByHand): Promise<EnrolOutcome> {
  const identity = await openIdentity({ stateDir, image: await readMachineImage(), goldenImage: false });
  return enrol({
    ...asked,
    identity,
    hostName: os.hostname(),
    agent: { version, platform },
    deadlines: LINK_DEADLINES,
    clock: systemClock,
    byHand: true,
  });
}
