import type { Desk } from '../../../../agent/cli/desk.ts';

/** A desk on which nobody asks for a daemon. */
export const noDaemon: Pick<Desk, 'configPath' | 'startDaemon' | 'connectDaemon'> = {
  configPath: '/nowhere/daemon.yaml',
  startDaemon: () => Promise.reject(new Error('unscripted call: startDaemon')),
  connectDaemon: () => Promise.reject(new Error('unscripted call: connectDaemon')),
};
