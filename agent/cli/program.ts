import { makePlan } from '../../checks/plan.ts';
import { resolvePolicy } from '../../checks/resolve-policy.ts';
import { pickLocale } from '../../checks/texts/locale.ts';
import { textsFor } from '../../checks/texts/lookup.ts';
import { parseArguments } from './arguments.ts';
import { runBundle } from './bundle-command.ts';
import { runCheck } from './check-command.ts';
import { describeChecks, renderCheckList } from './check-list.ts';
import { cleanText, safeJson } from './clean-text.ts';
import { runDaemonCommand } from './daemon-command.ts';
import { type Desk, EXIT_USAGE, factsOf, type Place, placedLines } from './desk.ts';
import { runEnrol } from './enrol-command.ts';
import { renderExplanation } from './explain-page.ts';
import { runAgentLoss, runGateRelease } from './gate-release-command.ts';
import { runGateStatus } from './gate-status-command.ts';
import { help } from './help.ts';
import { policyMessages } from './messages.ts';
import { readPolicyFile } from './policy-file.ts';
import { policySchema } from './policy-schema.ts';
import { runRecheck, runStatus } from './status-command.ts';

/** Runs one command and returns its exit status. */
export async function runProgram(argv: readonly string[], desk: Desk, place: Place): Promise<number> {
  const { checks, allowlist } = desk;
  const { stdout, stderr } = place;
  const parsed = parseArguments(argv, { checks: checks.map(({ id }) => id), regions: Object.keys(allowlist.regions) });
  if (!parsed.ok) {
    stderr.write(`deskwarden: ${cleanText(parsed.message)}\n${parsed.see}\n`);
    return EXIT_USAGE;
  }
  const { command } = parsed;
  switch (command.kind) {
    case 'help':
      stdout.write(help[command.topic]);
      return 0;
    case 'version':
      stdout.write(`${desk.version}\n`);
      return 0;
    case 'check':
      return runCheck(command, desk, place);
    case 'list': {
      const texts = textsFor(command.lang ?? pickLocale(place.language));
      const facts = factsOf(stdout, place, command.color);
      stdout.write(command.json ? `${safeJson(describeChecks(checks, texts), 2)}\n` : renderCheckList(checks, texts, facts));
      return 0;
    }
    case 'explain': {
      const check = checks.find(({ id }) => id === command.id);
      const texts = textsFor(command.lang ?? pickLocale(place.language));
      if (check) stdout.write(renderExplanation(check, texts, factsOf(stdout, place, command.color)));
      return 0;
    }
    case 'policy-validate':
      return validatePolicy(command.path, desk, place);
    case 'daemon':
      return runDaemonCommand(desk, place);
    case 'status':
      return runStatus(command, desk, place);
    case 'recheck':
      return runRecheck(desk, place);
    case 'gate-status':
      return runGateStatus(command, desk, place);
    case 'gate-release':
      return runGateRelease(command, desk, place);
    case 'gate-agent-loss':
      return runAgentLoss(desk, place);
    case 'enrol':
      return runEnrol(command, desk, place);
    case 'bundle':
      return runBundle(command, desk, place);
    case 'policy-schema':
      stdout.write(`${safeJson(policySchema(), 2)}\n`);
      return 0;
  }
}

async function validatePolicy(path: string, { checks, allowlist }: Desk, { stdout, stderr }: Place): Promise<number> {
  const read = await readPolicyFile(path, { checks, allowlist });
  if (!read.ok) {
    stderr.write(placedLines(path, read.problems));
    return EXIT_USAGE;
  }
  const policy = resolvePolicy(read.file, checks);
  const { endpoints } = makePlan(policy, allowlist);
  const { alias, region } = policy.instance;
  const of = alias === undefined ? region : `${alias} in ${region}`;
  stdout.write(`${policyMessages.valid(policy.id, policy.revision, policy.rules.length, endpoints.length, of)}\n`);
  return 0;
}
