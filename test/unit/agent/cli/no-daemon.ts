import type { Desk } from '../../../../agent/cli/desk.ts';

type DaemonSide =
  | 'configPath'
  | 'startDaemon'
  | 'hasFleet'
  | 'connectDaemon'
  | 'releaseGate'
  | 'applyAgentLoss'
  | 'enrol'
  | 'collectBundle';

/** A desk on which nobody asks for a daemon. */
export const noDaemon: Pick<Desk, DaemonSide> = {
  configPath: '/nowhere/daemon.yaml',
  startDaemon: () => Promise.reject(new Error('unscripted call: startDaemon')),
  hasFleet: () => Promise.reject(new Error('unscripted call: hasFleet')),
  connectDaemon: () => Promise.reject(new Error('unscripted call: connectDaemon')),
  releaseGate: () => Promise.reject(new Error('unscripted call: releaseGate')),
  applyAgentLoss: () => Promise.reject(new Error('unscripted call: applyAgentLoss')),
  enrol: () => Promise.reject(new Error('unscripted call: enrol')),
  collectBundle: () => Promise.reject(new Error('unscripted call: collectBundle')),
};
