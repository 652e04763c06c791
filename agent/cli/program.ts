import { makePlan } from '../../checks/plan.ts';
import { resolvePolicy } from '../../checks/resolve-policy.ts';
import { type Locale, pickLocale } from '../../checks/texts/locale.ts';
import type { Texts } from '../../checks/texts/lookup.ts';
import { parseArguments } from './arguments.ts';
import { cleanText, safeJson } from './clean-text.ts';
import { type Desk, EXIT_USAGE, factsOf, type Place, placedLines } from './desk.ts';
import { policyMessages } from './messages.ts';

/** Runs one command and returns its exit status. Each is loaded when it is asked for: the daemon keeps what it loads all day. */
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
    case 'help': {
      const { help } = await import('./help.ts');
      stdout.write(help[command.topic]);
      return 0;
    }
    case 'version':
      stdout.write(`${desk.version}\n`);
      return 0;
    case 'check': {
      const { runCheck } = await import('./check-command.ts');
      return runCheck(command, desk, place);
    }
    case 'list': {
      const [{ describeChecks, renderCheckList }, texts] = await Promise.all([import('./check-list.ts'), loadTexts(command, place)]);
      const facts = factsOf(stdout, place, command.color);
      stdout.write(command.json ? `${safeJson(describeChecks(checks, texts), 2)}\n` : renderCheckList(checks, texts, facts));
      return 0;
    }
    case 'explain': {
      const check = checks.find(({ id }) => id === command.id);
      const [{ renderExplanation }, texts] = await Promise.all([import('./explain-page.ts'), loadTexts(command, place)]);
      if (check) stdout.write(renderExplanation(check, texts, factsOf(stdout, place, command.color)));
      return 0;
    }
    case 'policy-validate':
      return validatePolicy(command.path, desk, place);
    case 'daemon': {
      const { runDaemonCommand } = await import('./daemon-command.ts');
      return runDaemonCommand(desk, place);
    }
    case 'status': {
      const { runStatus } = await import('./status-command.ts');
      return runStatus(command, desk, place);
    }
    case 'recheck': {
      const { runRecheck } = await import('./status-command.ts');
      return runRecheck(desk, place);
    }
    case 'gate-status': {
      const { runGateStatus } = await import('./gate-status-command.ts');
      return runGateStatus(command, desk, place);
    }
    case 'gate-release': {
      const { runGateRelease } = await import('./gate-release-command.ts');
      return runGateRelease(command, desk, place);
    }
    case 'gate-agent-loss': {
      const { runAgentLoss } = await import('./gate-release-command.ts');
      return runAgentLoss(desk, place);
    }
    case 'enrol': {
      const { runEnrol } = await import('./enrol-command.ts');
      return runEnrol(command, desk, place);
    }
    case 'bundle': {
      const { runBundle } = await import('./bundle-command.ts');
      return runBundle(command, desk, place);
    }
    case 'policy-schema': {
      const { policySchema } = await import('../../checks/policy-schema.ts');
      stdout.write(`${safeJson(policySchema(), 2)}\n`);
      return 0;
    }
  }
}

async function loadTexts({ lang }: { lang: Locale | null }, { language }: Place): Promise<Texts> {
  const { textsFor } = await import('../../checks/texts/lookup.ts');
  return textsFor(lang ?? pickLocale(language));
}

async function validatePolicy(path: string, { checks, allowlist }: Desk, { stdout, stderr }: Place): Promise<number> {
  const { readPolicyFile } = await import('./policy-file.ts');
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
