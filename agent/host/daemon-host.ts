import type { DaemonHost, Memory, Net, Platform, Vantage } from '../../checks/host.ts';
import { systemClock } from './clock.ts';

export interface DaemonHostParts {
  platform: Platform;
  vantage: Vantage;
  net: Net;
  memory: Memory;
}

export function createDaemonHost(parts: DaemonHostParts): DaemonHost {
  return { ...parts, clock: systemClock };
}
