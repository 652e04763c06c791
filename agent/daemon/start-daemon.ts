import { readBootId } from '../store/awake-clock.ts';
import { endLoss } from './agent-loss.ts';
import { type DaemonSettings, type RunningDaemon, runDaemon } from './daemon.ts';
import { lockStateDir } from './daemon-lock.ts';
import { createLog } from './log.ts';
import { notifyServiceManager, type ServiceManagerSettings } from './service-manager.ts';

export interface StartSettings extends Omit<DaemonSettings, 'log'> {
  /** Takes one line of the log with its end. */
  write: (line: string) => void;
  serviceManager: Omit<ServiceManagerSettings, 'onFault'>;
}

/** The only daemon of its state directory, with its log, and known to the service manager. Rejects as `runDaemon` does. */
export async function startDaemon({ write, serviceManager, ...settings }: StartSettings): Promise<RunningDaemon> {
  const { config, wallMs } = settings;
  const bootId = await readBootId();
  const lock = await lockStateDir(config.stateDir, bootId);
  await endLoss(config.stateDir);
  const log = createLog({ dir: config.logDir, write, wallMs });
  const manager = notifyServiceManager({
    ...serviceManager,
    onFault: (detail) => log.event({ event: 'fault', what: 'service manager', detail }),
  });
  try {
    const daemon = await runDaemon({ ...settings, log: log.event }, bootId);
    await manager.ready();
    return {
      async stop() {
        await manager.stopping();
        await daemon.stop();
        await log.close();
        await lock.release();
      },
    };
  } catch (error) {
    await log.close();
    await lock.release();
    throw error;
  }
}
