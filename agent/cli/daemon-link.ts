import { DaemonConfig } from '../../contracts/config.ts';
import type { LocalApiClient } from '../../contracts/local-link/connect.ts';
import { LinkFault } from '../../contracts/local-link/link-fault.ts';
import { StoreError } from '../store/store-error.ts';
import { cleanText } from './clean-text.ts';
import { readConfig } from './config-file.ts';
import { type Desk, EXIT_CANNOT_START, EXIT_NO_DAEMON, EXIT_REFUSED, EXIT_TRY_AGAIN, EXIT_USAGE, type Place } from './desk.ts';
import { daemonMessages } from './messages.ts';

/** One line on standard error. */
export function complain({ stderr }: Pick<Place, 'stderr'>, line: string): void {
  stderr.write(`deskwarden: ${cleanText(line)}\n`);
}

/**
 * Where there is no configuration, everything is where it is by default. Null once it was told what is wrong with it; one
 * that this user may not read is wrong only for what must be certain of the directories.
 */
export async function readConfigOrDefaults(desk: Desk, place: Place, mustBeReadable: boolean): Promise<DaemonConfig | null> {
  const read = await readConfig(desk.configPath);
  if (read.ok) return read.config;
  if (read.because === 'missing' || (read.because === 'unreadable' && !mustBeReadable)) return DaemonConfig.parse({ schema: 1 });
  for (const line of read.lines) complain(place, line);
  return null;
}

/**
 * For what a configuration that is wrong must not keep from happening: everything is then taken to be where it is by default,
 * and is not `certain` to be there.
 */
export async function readConfigAnyhow(desk: Desk, place: Place): Promise<{ config: DaemonConfig; certain: boolean }> {
  const read = await readConfig(desk.configPath);
  if (read.ok) return { config: read.config, certain: true };
  const certain = read.because === 'missing';
  if (!certain) for (const line of read.lines) complain(place, line);
  return { config: DaemonConfig.parse({ schema: 1 }), certain };
}

/** `otherwise` is asked when there is no talking to the daemon; by default that is told. */
export async function withDaemon(
  desk: Desk,
  place: Place,
  use: (client: LocalApiClient) => Promise<number>,
  otherwise: (fault: LinkFault) => Promise<number> = async (fault) => tellNoDaemon(place, fault),
): Promise<number> {
  const config = await readConfigOrDefaults(desk, place, false);
  return config === null ? EXIT_USAGE : withDaemonIn(config.runDir, desk, use, otherwise);
}

export async function withDaemonIn(
  runDir: string,
  desk: Desk,
  use: (client: LocalApiClient) => Promise<number>,
  otherwise: (fault: LinkFault) => Promise<number>,
): Promise<number> {
  let client: LocalApiClient | undefined;
  try {
    client = await desk.connectDaemon(runDir);
    return await use(client);
  } catch (error) {
    if (!(error instanceof LinkFault)) throw error;
    return await otherwise(error);
  } finally {
    client?.close();
  }
}

export function tellNoDaemon(place: Place, { code, message }: LinkFault): number {
  complain(place, daemonMessages.link(code, message));
  return EXIT_NO_DAEMON;
}

const mayTryAgain = new Set(['too-soon', 'busy', 'internal']);

export function tellRefusal(place: Place, { code, detail }: { code: string; detail: string }): number {
  const own = code in daemonMessages.refusals ? daemonMessages.refusals[code] : undefined;
  complain(place, own?.(detail) ?? daemonMessages.refused(code, detail));
  return mayTryAgain.has(code) ? EXIT_TRY_AGAIN : EXIT_REFUSED;
}

/** What the disk does not let us do is told; everything else is our own mistake. */
export async function tellingDiskTrouble(place: Place, task: () => Promise<number>): Promise<number> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    complain(place, daemonMessages.diskTrouble(error.code, error.message));
    return EXIT_CANNOT_START;
  }
}
