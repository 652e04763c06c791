import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makePlan } from '../../checks/plan.ts';
import { policyProblems, resolvePolicy } from '../../checks/resolve-policy.ts';
import { pickLocale } from '../../checks/texts/locale.ts';
import { type Texts, textsFor } from '../../checks/texts/lookup.ts';
import type { CheckId, RuleId } from '../../contracts/finding.ts';
import { PolicyFile } from '../../contracts/policy.ts';
import type { CheckDocument } from '../../contracts/report.ts';
import type { CheckCommand, CheckSource } from './check-arguments.ts';
import { askClosedGate, tellClosedGate } from './check-behind-gate.ts';
import { safeJson } from './clean-text.ts';
import { type Desk, EXIT_OUTPUT, EXIT_USAGE, exitOf, factsOf, type Place, placedLines } from './desk.ts';
import { renderJunit, writeWhole } from './junit.ts';
import { runMessages, usageMessages } from './messages.ts';
import { readPolicyFile } from './policy-file.ts';
import { errorCode } from './policy-source.ts';
import { liveDisplay, noDisplay, type ProgressDisplay, plainDisplay } from './progress-display.ts';
import type { RunFacts } from './verdict-sections.ts';
import { renderVerdict } from './verdict-table.ts';

/** Id of the policy that holds when none is named. */
const BUILT_IN = 'built-in';

export async function runCheck(command: CheckCommand, desk: Desk, place: Place): Promise<number> {
  const { stdout, stderr } = place;
  const refuse = (lines: string) => {
    stderr.write(lines);
    return EXIT_USAGE;
  };
  const file = await readSource(command.source, desk);
  if (!file.ok) return refuse(file.lines);
  const policy = resolvePolicy(file.file, desk.checks);
  const chosen = desk.checks.map(({ id }) => id).filter((id) => command.only?.includes(id) ?? true);
  if (!policy.rules.some(({ check }) => chosen.includes(check)) && command.only)
    return refuse(`deskwarden: ${usageMessages.onlyNothing}\n`);
  const junitProblem = command.output.kind === 'junit' ? await whyNotWritable(command.output.path) : null;
  if (junitProblem !== null) return refuse(`deskwarden: ${junitProblem}\n`);
  const closedBefore = await askClosedGate(desk, place);
  if (closedBefore) return tellClosedGate(closedBefore, command, place);

  const texts = textsFor(command.lang ?? pickLocale(place.language));
  const display = chooseDisplay(command, texts, place);
  const stopDisplay = () => display.close();
  place.signal.addEventListener('abort', stopDisplay, { once: true });
  const only: readonly CheckId[] | null = command.only === null ? null : chosen;
  let notRun: readonly RuleId[] = [];
  let document: CheckDocument;
  try {
    document = await desk.run({
      policy,
      plan: makePlan(policy, desk.allowlist),
      only,
      signal: place.signal,
      onProgress(progress) {
        if (progress.kind === 'started') notRun = progress.notRun;
        if (command.output.kind === 'ndjson') stdout.write(`${safeJson(progress)}\n`);
        else display.show(progress);
      },
    });
  } finally {
    display.close();
    place.signal.removeEventListener('abort', stopDisplay);
  }
  place.signal.throwIfAborted();
  // It may have closed meanwhile, and then is what the probes saw.
  const closedSince = document.verdict.standing === 'clear' ? null : await askClosedGate(desk, place);
  if (closedSince) return tellClosedGate(closedSince, command, place);
  const problem = await print(document, { policy, only: only !== null, notRun }, command, texts, place);
  if (problem === null) return exitOf[document.verdict.standing];
  stderr.write(`deskwarden: ${problem}\n`);
  return EXIT_OUTPUT;
}

type Source = { ok: true; file: PolicyFile } | { ok: false; lines: string };

async function readSource(source: CheckSource, { checks, allowlist }: Desk): Promise<Source> {
  if (source.kind === 'policy') {
    const read = await readPolicyFile(source.path, { checks, allowlist });
    return read.ok ? read : { ok: false, lines: placedLines(source.path, read.problems) };
  }
  const { alias, region } = source;
  const govCloud = allowlist.regions[region]?.partition === 'aws-us-gov';
  const file = PolicyFile.parse({
    schema: 1,
    id: BUILT_IN,
    instance: { region, govCloud, ...(alias === null ? {} : { alias }) },
    network: { proxy: 'env' },
  });
  const problems = policyProblems(file, checks, allowlist);
  if (problems.length === 0) return { ok: true, file };
  return { ok: false, lines: problems.map(({ path, message }) => `deskwarden: --${path.at(-1)}: ${message}\n`).join('') };
}

/** Asked before the run, so that nobody waits for a report that cannot be written. */
async function whyNotWritable(path: string): Promise<string | null> {
  if (path === '-') return null;
  try {
    await access(dirname(path), constants.W_OK);
    return null;
  } catch (error) {
    return runMessages.cannotWrite(path, errorCode(error));
  }
}

/** Progress goes to standard error, so that standard output holds the answer and nothing else. */
function chooseDisplay({ output, color }: CheckCommand, texts: Texts, place: Place): ProgressDisplay {
  if (output.kind === 'ndjson') return noDisplay;
  const facts = () => factsOf(place.stderr, place, color);
  if (place.live && place.stderr.isTerminal) return liveDisplay(place.stderr, texts, facts);
  const printsTable = output.kind === 'table' || (output.kind === 'junit' && output.path !== '-');
  return printsTable ? plainDisplay(place.stderr, texts, facts()) : noDisplay;
}

/** Prints the answer; what is told back is why part of it could not be written. */
async function print(document: CheckDocument, run: RunFacts, command: CheckCommand, texts: Texts, place: Place): Promise<string | null> {
  const { output, color } = command;
  const { stdout } = place;
  if (output.kind === 'ndjson') return null;
  if (output.kind === 'json') {
    stdout.write(`${safeJson(document, 2)}\n`);
    return null;
  }
  const xml = output.kind === 'junit' ? renderJunit(document, run, texts) : '';
  if (output.kind === 'junit' && output.path === '-') {
    stdout.write(xml);
    return null;
  }
  stdout.write(renderVerdict(document, run, texts, factsOf(stdout, place, color)));
  if (output.kind !== 'junit') return null;
  try {
    await writeWhole(output.path, xml);
    return null;
  } catch (error) {
    return runMessages.cannotWrite(output.path, errorCode(error));
  }
}
