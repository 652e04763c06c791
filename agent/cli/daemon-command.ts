import { once } from 'node:events';
import { makePlan } from '../../checks/plan.ts';
import { resolvePolicy } from '../../checks/resolve-policy.ts';
import { cleanText, safeJson } from './clean-text.ts';
import { readConfig } from './config-file.ts';
import { type Desk, EXIT_USAGE, type Place, placedLines } from './desk.ts';
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
  const daemon = await desk.startDaemon({ config, policy, plan: makePlan(policy, desk.allowlist), log });
  if (!signal.aborted) await once(signal, 'abort');
  await daemon.stop();
  return 0;
}
