import type { EnforcerStatus } from '../../contracts/enforcer.ts';
import type { GateStatus } from '../../contracts/gate.ts';
import type { Verdict } from '../../contracts/verdict.ts';
import type { LinkEvent } from '../fleet-link/fleet-link.ts';
import type { WindowApplied } from './local-handlers.ts';

/** What the daemon's log tells. */
export type DaemonEvent =
  | { event: 'started'; version: string; stateDir: string; watchesNetwork: boolean }
  | { event: 'orders'; policy: string; signed: boolean; allowlist: number; waivers: number }
  | { event: 'verdict'; standing: Verdict['standing']; causes: string[] }
  | ({ event: 'gate'; activity: string } & Pick<GateStatus, 'state' | 'wouldBe' | 'reason' | 'notActingBecause'>)
  | { event: 'enforcers'; enforcers: readonly EnforcerStatus[] }
  | { event: 'trigger'; because: 'network' | 'wake' | 'user' | 'asked' }
  | { event: 'window'; uid: number; applied: WindowApplied; saidAt: string }
  | { event: 'release'; uid: number; until: string }
  | LinkEvent
  | { event: 'fault'; what: string; detail: string };
