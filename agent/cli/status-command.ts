import { pickLocale } from '../../checks/texts/locale.ts';
import { type Texts, textsFor } from '../../checks/texts/lookup.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import type { Command } from './arguments.ts';
import { cleanText, safeJson } from './clean-text.ts';
import { tellRefusal, withDaemon } from './daemon-link.ts';
import { type Desk, exitOf, factsOf, type Place } from './desk.ts';
import { headKey, holdTrouble } from './gate-status-page.ts';
import { daemonMessages } from './messages.ts';
import { renderVerdict } from './verdict-table.ts';

export async function runStatus(command: Command & { kind: 'status' }, desk: Desk, place: Place): Promise<number> {
  return withDaemon(desk, place, async (client) => {
    const answer = await client.snapshot();
    if (!answer.ok) return tellRefusal(place, answer.error);
    const snapshot = answer.value;
    if (command.json) place.stdout.write(`${safeJson(snapshot, 2)}\n`);
    else printStatus(snapshot, command, place);
    return exitOf[snapshot.verdict?.standing ?? 'undetermined'];
  });
}

export async function runRecheck(desk: Desk, place: Place): Promise<number> {
  return withDaemon(desk, place, async (client) => {
    const answer = await client.recheck({});
    if (!answer.ok) return tellRefusal(place, answer.error);
    place.stdout.write(`${daemonMessages.asked}\n`);
    return 0;
  });
}

export function printStatus(snapshot: Snapshot, command: Pick<Command & { kind: 'status' }, 'lang' | 'color'>, place: Place): void {
  const { verdict, findings, policy, allowlist, daemon } = snapshot;
  const texts = textsFor(command.lang ?? pickLocale(place.language));
  const facts = factsOf(place.stdout, place, command.color);
  if (verdict === null) place.stdout.write(`${texts.ui('status.first-look')}\n`);
  else {
    const { id, revision, rules, instance } = policy;
    const document = {
      schema: 1 as const,
      verdict,
      findings,
      policy: { id, revision },
      allowlist,
      startedAt: daemon.startedAt,
      finishedAt: verdict.decidedAt,
    };
    place.stdout.write(
      renderVerdict(document, { policy: { rules, instance }, only: false, notRun: [], since: daemon.startedAt }, texts, facts),
    );
  }
  for (const line of [gateLine(snapshot, texts), ...releaseLine(snapshot, texts), ...fleetLine(snapshot, texts)]) {
    place.stdout.write(` ${cleanText(line)}\n`);
  }
}

function gateLine(snapshot: Snapshot, { ui }: Texts): string {
  const { gate } = snapshot;
  if (!gate.acting) return ui('gate.observing', { state: ui(`gate.would.${gate.wouldBe}`) });
  return holdTrouble(snapshot) === null ? ui(headKey(snapshot)) : `${ui(headKey(snapshot))} ${ui('status.gate-trouble')}`;
}

function releaseLine({ releasedUntil }: Snapshot, { ui }: Texts): string[] {
  return releasedUntil === null ? [] : [ui('gate.released-until', { at: releasedUntil })];
}

/** A desk that is enrolled and in touch with its fleet needs no word. */
function fleetLine({ fleet: { state, heardAt, trouble } }: Snapshot, { ui }: Texts): string[] {
  if (state === 'revoked' || state === 'pending') return [ui(`fleet.${state}`)];
  if (trouble === null) return [];
  const why = trouble.detail === '' ? trouble.code : `${trouble.code}, ${trouble.detail}`;
  return [heardAt === null ? ui('fleet.never-heard', { why }) : ui('fleet.silent', { at: heardAt, why })];
}
