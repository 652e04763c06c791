import { LoudEmitter, loud } from '../loud.ts';

export type PowerMonitor = Pick<
  Electron.PowerMonitor,
  'on' | 'once' | 'off' | 'removeListener' | 'removeAllListeners' | 'getSystemIdleState' | 'getSystemIdleTime' | 'isOnBatteryPower'
>;

const byTests = [
  'suspend',
  'resume',
  'on-ac',
  'on-battery',
  'lock-screen',
  'unlock-screen',
  'shutdown',
  'user-did-become-active',
  'user-did-resign-active',
  'thermal-state-change',
  'speed-limit-change',
];

/** Tests emit the events, as they must on a real Electron as well: `powerMonitor.emit('suspend')`. */
class RigPowerMonitor extends LoudEmitter {
  constructor() {
    super('powerMonitor', byTests);
  }

  getSystemIdleState(_idleThreshold: number): 'active' {
    return 'active';
  }

  getSystemIdleTime(): number {
    return 0;
  }

  isOnBatteryPower(): boolean {
    return false;
  }
}

export const powerMonitor = loud('powerMonitor', new RigPowerMonitor()) as unknown as PowerMonitor;
