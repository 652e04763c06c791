import { pickLocale } from '../../checks/texts/locale.ts';
import { textsFor } from '../../checks/texts/lookup.ts';
import type { Command } from './arguments.ts';
import { safeJson } from './clean-text.ts';
import { tellRefusal, withDaemon } from './daemon-link.ts';
import { type Desk, EXIT_REFUSED, factsOf, type Place } from './desk.ts';
import { holdTrouble, renderGateStatus } from './gate-status-page.ts';

export async function runGateStatus(command: Command & { kind: 'gate-status' }, desk: Desk, place: Place): Promise<number> {
  return withDaemon(desk, place, async (client) => {
    const answer = await client.snapshot();
    if (!answer.ok) return tellRefusal(place, answer.error);
    const { gate, activity, enforcers, releasedUntil, policy } = answer.value;
    if (command.json) {
      const { id, revision, signed } = policy;
      place.stdout.write(`${safeJson({ gate, activity, enforcers, releasedUntil, policy: { id, revision, signed } }, 2)}\n`);
    } else {
      const texts = textsFor(command.lang ?? pickLocale(place.language));
      place.stdout.write(renderGateStatus(answer.value, texts, factsOf(place.stdout, place, command.color)));
    }
    return holdTrouble(answer.value) === null ? 0 : EXIT_REFUSED;
  });
}
