import { once } from 'node:events';
import { resolvePolicy } from '../../checks/resolve-policy.ts';
import type { DaemonConfig } from '../../contracts/config.ts';
import type { Policy } from '../../contracts/policy.ts';
import { SocketRefused } from '../local-api/socket-fault.ts';
import { StoreError } from '../store/store-error.ts';
import { readConfig } from './config-file.ts';
import { complain } from './daemon-link.ts';
import { type Desk, EXIT_CANNOT_START, EXIT_USAGE, type Place, placedLines } from './desk.ts';
import { daemonMessages } from './messages.ts';

/** Runs the daemon until it is told to stop. */
export async function runDaemonCommand(desk: Desk, place: Place): Promise<number> {
  const { stdout, signal } = place;
  const read = await readConfig(desk.configPath);
  if (!read.ok) {
    for (const line of read.lines) complain(place, line);
    return EXIT_USAGE;
  }
  const { config } = read;
  let daemon: Awaited<ReturnType<Desk['startDaemon']>>;
  try {
    const local = await readLocalPolicy(config, desk, place);
    if (!local.ok) return EXIT_USAGE;
    daemon = await desk.startDaemon({ config, localPolicy: local.policy, write: (line) => stdout.write(line) });
  } catch (error) {
    if (!(error instanceof StoreError) && !(error instanceof SocketRefused)) throw error;
    complain(place, daemonMessages.cannotStart(error.code, error.message));
    return EXIT_CANNOT_START;
  }
  if (!signal.aborted) await once(signal, 'abort');
  await daemon.stop();
  return 0;
}

/** What is wrong is told. Without a fleet, nobody else says what to obey. */
async function readLocalPolicy(
  config: DaemonConfig,
  desk: Desk,
  place: Place,
): Promise<{ ok: true; policy: Policy | null } | { ok: false }> {
  if (config.policy === undefined) {
    if (config.enrolment !== undefined || (await desk.hasFleet(config))) return { ok: true, policy: null };
    complain(place, daemonMessages.noPolicy(desk.configPath));
    return { ok: false };
  }
  const { readPolicyFile } = await import('./policy-file.ts');
  const file = await readPolicyFile(config.policy, { checks: desk.checks, allowlist: desk.allowlist });
  if (file.ok) return { ok: true, policy: resolvePolicy(file.file, desk.checks) };
  place.stderr.write(placedLines(config.policy, file.problems));
  return { ok: false };
}
