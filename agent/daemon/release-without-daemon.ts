import { existsSync } from 'node:fs';
import type { Platform } from '../../checks/host.ts';
import { openReleaseStore } from '../gate/release-store.ts';
import { monotonicMs, openAwakeClock, readBootId } from '../store/awake-clock.ts';
import { type TakenAway, takeAway } from './take-away.ts';

/**
 * Root's release where no daemon runs. It is recorded first, so that neither what stands in for the daemon nor a daemon that
 * comes back within the hour closes again, and the fleet hears of it. A disk that takes no record does not keep the gate shut.
 */
export async function releaseWithoutDaemon(stateDir: string, platform: Platform): Promise<TakenAway> {
  if (!existsSync(stateDir)) return takeAway(stateDir, platform);
  const clock = openAwakeClock({ saved: null, bootId: await readBootId(), monotonicMs });
  const releases = await openReleaseStore({ stateDir, clock, wallMs: Date.now, onTrouble() {} });
  await releases.releaseByRoot(0);
  await releases.close().catch(() => {});
  return takeAway(stateDir, platform);
}
