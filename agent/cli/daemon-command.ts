import { once } from 'node:events';
import { makePlan } from '../../checks/plan.ts';
import { resolvePolicy } from '../../checks/resolve-policy.ts';
import { SocketRefused } from '../local-api/socket-fault.ts';
import { StoreError } from '../store/store-error.ts';
import { cleanText, safeJson } from './clean-text.ts';
import { readConfig } from './config-file.ts';
import { type Desk, EXIT_CANNOT_START, EXIT_USAGE, type Place, placedLines } from './desk.ts';
import { daemonMessages } from './messages.ts';
import { readPolicyFile } from './policy-file.ts';

/** Runs the daemon until it is told to stop. */
export async function runDaemonCommand(desk: Desk, { stdout, stderr, signal }: Place): Promise<number> {
  const read = await readConfig(desk.configPath);
  if (!read.ok) {
    stderr.write(read.lines.map((line) => `deskwarden: ${cleanText(line)}\n`).join(''));
    return EXIT_USAGE;
  }
  const { config } = read;
  const file = await readPolicyFile(config.policy, { checks: desk.checks, allowlist: desk.allowlist });
  if (!file.ok) {
    stderr.write(placedLines(config.policy, file.problems));
    return EXIT_USAGE;
  }
  const policy = resolvePolicy(file.file, desk.checks);
  const log = (event: object) => stdout.write(`${safeJson({ at: new Date().toISOString(), ...event })}\n`);
  let daemon: Awaited<ReturnType<Desk['startDaemon']>>;
  try {
    daemon = await desk.startDaemon({ config, policy, plan: makePlan(policy, desk.allowlist), log });
  } catch (error) {
    if (!(error instanceof StoreError) && !(error instanceof SocketRefused)) throw error;
    stderr.write(`deskwarden: ${cleanText(daemonMessages.cannotStart(error.code, error.message))}\n`);
    return EXIT_CANNOT_START;
  }
  if (!signal.aborted) await once(signal, 'abort');
  await daemon.stop();
  return 0;
}
