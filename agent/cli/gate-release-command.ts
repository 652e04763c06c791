import type { DaemonConfig } from '../../contracts/config.ts';
import type { LedgerEntry } from '../../contracts/ledger.ts';
import type { TakenAway } from '../daemon/take-away.ts';
import { cleanText } from './clean-text.ts';
import { complain, readConfigAnyhow, tellingDiskTrouble, tellNoDaemon, tellRefusal, withDaemon, withDaemonIn } from './daemon-link.ts';
import { type Desk, EXIT_CANNOT_START, EXIT_NO_INPUT, EXIT_NOT_ROOT, EXIT_TRY_AGAIN, EXIT_USAGE, type Place } from './desk.ts';
import { gateMessages as say } from './messages.ts';

/** Eight digits, and what people put between and around them. */
const MAX_CODE_CHARS = 40;

export async function runGateRelease({ byCode }: { byCode: boolean }, desk: Desk, place: Place): Promise<number> {
  if (byCode) return releaseByCode(desk, place);
  if (place.uid !== 0) {
    complain(place, say.releaseNeedsRoot);
    return EXIT_NOT_ROOT;
  }
  const { config, certain } = await readConfigAnyhow(desk, place);
  return withDaemonIn(
    config.runDir,
    desk,
    async (client) => {
      const answer = await client.release({});
      if (!answer.ok) return tellRefusal(place, answer.error);
      place.stdout.write(`${say.released(answer.value.until)}\n`);
      return 0;
    },
    async (fault) => {
      if (fault.code === 'no-daemon') return releaseByLedger(config, certain, desk, place);
      // A daemon that lives would put back at once what is taken away.
      const code = tellNoDaemon(place, fault);
      complain(place, say.stillThere);
      return code;
    },
  );
}

async function releaseByCode(desk: Desk, place: Place): Promise<number> {
  if (place.stdin.isTerminal) place.stderr.write(say.askForCode);
  const read = await place.stdin.readLine(MAX_CODE_CHARS, place.signal);
  if (!read.ok) {
    place.signal.throwIfAborted();
    complain(place, say.noCode(read.why));
    return EXIT_NO_INPUT;
  }
  const code = read.line.replace(/[\s-]/g, '');
  if (!/^\d{8}$/.test(code)) {
    complain(place, say.badCode);
    return EXIT_USAGE;
  }
  return withDaemon(desk, place, async (client) => {
    const answer = await client.release({ code });
    if (answer.ok) {
      place.stdout.write(`${say.released(answer.value.until)}\n`);
      return 0;
    }
    if (answer.error.code !== 'too-soon') return tellRefusal(place, answer.error);
    complain(place, say.tooManyCodes(answer.error.detail));
    return EXIT_TRY_AGAIN;
  });
}

async function releaseByLedger(config: DaemonConfig, certain: boolean, desk: Desk, place: Place): Promise<number> {
  return tellingDiskTrouble(place, async () => {
    const taken = await desk.releaseGate(config);
    const isNothing = taken.removed.length + taken.kept.length === 0;
    // Another directory's ledger may name more.
    if (isNothing && !certain) return EXIT_USAGE;
    place.stdout.write(`${isNothing ? say.nothingHeld : say.noDaemon}\n`);
    for (const entry of taken.removed) place.stdout.write(`${cleanText(say.removed(named(entry)))}\n`);
    return tellKept(place, taken);
  });
}

/** What the service manager runs when the daemon has stopped, crashed or failed to start, and from time to time. */
export async function runAgentLoss(desk: Desk, place: Place): Promise<number> {
  if (place.uid !== 0) {
    complain(place, say.needsRoot('gate agent-loss'));
    return EXIT_NOT_ROOT;
  }
  const { config, certain } = await readConfigAnyhow(desk, place);
  return tellingDiskTrouble(place, async () => {
    // Who enrolled in another directory may want it closed.
    if (!certain && !(await desk.hasFleet(config))) return EXIT_USAGE;
    const outcome = await desk.applyAgentLoss(config);
    if (outcome.did !== 'opened') {
      place.stdout.write(`${say.loss[outcome.did === 'closed' ? 'closed' : outcome.because]}\n`);
      const lacking = outcome.did === 'closed' ? outcome.lacking : [];
      if (lacking.length > 0) complain(place, say.lossLacking(lacking.join(', ')));
      return lacking.length === 0 ? 0 : EXIT_CANNOT_START;
    }
    place.stdout.write(`${say.lossOpened(outcome.removed.length, outcome.kept.length)}\n`);
    return tellKept(place, outcome);
  });
}

function tellKept(place: Place, { kept }: TakenAway): number {
  for (const { entry, why } of kept) complain(place, say.kept(named(entry), why));
  return kept.length === 0 ? 0 : EXIT_CANNOT_START;
}

function named(entry: LedgerEntry): string {
  switch (entry.kind) {
    case 'file':
    case 'directory':
      return entry.path;
    case 'nft-table':
      return `the nftables table ${entry.family} ${entry.name}`;
    case 'registry-value':
      return `${entry.key}\\${entry.name}`;
    case 'plist-items':
      return `${entry.items.length} of ${entry.key} in ${entry.path}`;
  }
}
