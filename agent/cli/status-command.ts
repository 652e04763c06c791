import { pickLocale } from '../../checks/texts/locale.ts';
import { textsFor } from '../../checks/texts/lookup.ts';
import { DaemonConfig } from '../../contracts/config.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import type { LocalApiClient } from '../local-api/client.ts';
import { LinkFault } from '../local-api/link-fault.ts';
import type { Command } from './arguments.ts';
import { exitOf } from './check-command.ts';
import { cleanText, safeJson } from './clean-text.ts';
import { readConfig } from './config-file.ts';
import { type Desk, EXIT_NO_DAEMON, EXIT_TRY_AGAIN, EXIT_USAGE, factsOf, type Place } from './desk.ts';
import { daemonMessages } from './messages.ts';
import { renderVerdict } from './verdict-table.ts';

export async function runStatus(command: Command & { kind: 'status' }, desk: Desk, place: Place): Promise<number> {
  return withDaemon(desk, place, async (client) => {
    const answer = await client.snapshot();
    if (!answer.ok) return refuse(place, answer.error);
    const snapshot = answer.value;
    if (command.json) place.stdout.write(`${safeJson(snapshot, 2)}\n`);
    else printStatus(snapshot, command, place);
    return exitOf[snapshot.verdict?.standing ?? 'undetermined'];
  });
}

export async function runRecheck(desk: Desk, place: Place): Promise<number> {
  return withDaemon(desk, place, async (client) => {
    const answer = await client.recheck({});
    if (!answer.ok) return refuse(place, answer.error);
    place.stdout.write(`${daemonMessages.asked}\n`);
    return 0;
  });
}

function printStatus(
  { verdict, findings, gate, policy, allowlist, daemon }: Snapshot,
  command: Command & { kind: 'status' },
  place: Place,
): void {
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
  const held = texts.ui(`gate.${gate.state}`);
  place.stdout.write(` ${gate.acting ? held : texts.ui('gate.observing', { state: texts.ui(`gate.would.${gate.wouldBe}`) })}\n`);
}

async function withDaemon(desk: Desk, place: Place, use: (client: LocalApiClient) => Promise<number>): Promise<number> {
  const read = await readConfig(desk.configPath);
  if (!read.ok && !read.absent) {
    place.stderr.write(read.lines.map((line) => `deskwarden: ${cleanText(line)}\n`).join(''));
    return EXIT_USAGE;
  }
  // Without a configuration that this user can read, the daemon is where it is by default.
  const runDir = read.ok ? read.config.runDir : DaemonConfig.shape.runDir.parse(undefined);
  let client: LocalApiClient | undefined;
  try {
    client = await desk.connectDaemon(runDir);
    return await use(client);
  } catch (error) {
    if (!(error instanceof LinkFault)) throw error;
    place.stderr.write(`deskwarden: ${cleanText(daemonMessages.link(error.code, error.message))}\n`);
    return EXIT_NO_DAEMON;
  } finally {
    client?.close();
  }
}

function refuse({ stderr }: Place, { code, detail }: { code: string; detail: string }): number {
  stderr.write(`deskwarden: ${cleanText(code === 'too-soon' ? daemonMessages.tooSoon(detail) : daemonMessages.refused(code, detail))}\n`);
  return EXIT_TRY_AGAIN;
}
