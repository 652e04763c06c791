import { pickLocale } from '../../checks/texts/locale.ts';
import { textsFor } from '../../checks/texts/lookup.ts';
import { DaemonConfig } from '../../contracts/config.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import type { LocalApiClient } from '../../contracts/local-link/connect.ts';
import { LinkFault } from '../../contracts/local-link/link-fault.ts';
import type { CheckCommand } from './check-arguments.ts';
import { readConfig } from './config-file.ts';
import { complain } from './daemon-link.ts';
import { type Desk, EXIT_TRY_AGAIN, exitOf, factsOf, type Place } from './desk.ts';
import { runMessages } from './messages.ts';
import { printStatus } from './status-command.ts';
import { textWidth } from './terminal.ts';
import { wrap } from './wrap.ts';

/**
 * What the daemon says while its gate is closed for this user's programs: their probes would see the gate, and blame the
 * network. Null where probes see what is there: root's, all while the gate is not closed, and where no daemon answers.
 */
export async function askClosedGate(desk: Desk, { uid }: Pick<Place, 'uid'>): Promise<Snapshot | null> {
  if (uid === 0) return null;
  const read = await readConfig(desk.configPath);
  const { runDir } = read.ok ? read.config : DaemonConfig.parse({ schema: 1 });
  let client: LocalApiClient | undefined;
  try {
    client = await desk.connectDaemon(runDir);
    const answer = await client.snapshot();
    return answer.ok && answer.value.gate.state === 'closed' ? answer.value : null;
  } catch (error) {
    if (error instanceof LinkFault) return null;
    throw error;
  } finally {
    client?.close();
  }
}

/** In place of a check: a person is shown what the daemon found, and nothing is made up for a program. */
export function tellClosedGate(snapshot: Snapshot, { output, lang, color }: CheckCommand, place: Place): number {
  if (output.kind !== 'table') {
    complain(place, runMessages.gateClosed);
    return EXIT_TRY_AGAIN;
  }
  const { ui } = textsFor(lang ?? pickLocale(place.language));
  const width = textWidth(factsOf(place.stdout, place, color)) - 1;
  for (const line of wrap(ui('check.gate-closed'), width)) place.stdout.write(` ${line}\n`);
  place.stdout.write('\n');
  printStatus(snapshot, { lang, color }, place);
  return exitOf[snapshot.verdict?.standing ?? 'undetermined'];
}
