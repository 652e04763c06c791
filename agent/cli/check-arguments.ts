import { nearest } from '../../checks/nearest.ts';
import { InstanceAlias } from '../../contracts/instance.ts';
import { type Known, Misuse, misuse, noPositionals, parseStyle, read, type Style } from './argument-reading.ts';
import type { Command } from './arguments.ts';
import { guessInstance } from './instance-guess.ts';
import { usageMessages as say } from './messages.ts';
import type { Given } from './options.ts';

export type CheckSource = { kind: 'instance'; alias: string | null; region: string } | { kind: 'policy'; path: string };

/** `junit: '-'` prints XML in place of the table; another path gets it beside the table. */
export type CheckOutput = { kind: 'table' } | { kind: 'json' } | { kind: 'ndjson' } | { kind: 'junit'; path: string };

export interface CheckCommand extends Style {
  kind: 'check';
  source: CheckSource;
  only: string[] | null;
  output: CheckOutput;
}

export function parseCheck(argv: readonly string[], known: Known): Command {
  const given = read('check', argv, {
    instance: 'string',
    region: 'string',
    policy: 'string',
    only: 'strings',
    junit: 'string',
    lang: 'string',
    json: 'boolean',
    ndjson: 'boolean',
    list: 'boolean',
    'no-color': 'boolean',
  });
  const { flags, values } = given;
  if (flags.has('help')) return { kind: 'help', topic: 'check' };
  noPositionals('check', given);
  const style = parseStyle('check', given);
  if (flags.has('list')) {
    const other = ['instance', 'region', 'policy', 'only', 'junit'].find((option) => values.has(option));
    if (other !== undefined) throw misuse('check', say.exclude('--list', `--${other}`));
    if (flags.has('ndjson')) throw misuse('check', say.exclude('--list', '--ndjson'));
    return { kind: 'list', json: flags.has('json'), ...style };
  }
  return {
    kind: 'check',
    source: parseSource(values, known),
    only: parseOnly(values.get('only'), known),
    output: parseOutput(given),
    ...style,
  };
}

function parseSource(values: ReadonlyMap<string, string>, known: Known): CheckSource {
  const [policy, alias, region] = [values.get('policy'), values.get('instance'), values.get('region')];
  if (policy !== undefined) {
    if (alias !== undefined) throw misuse('check', say.exclude('--policy', '--instance'));
    if (region !== undefined) throw misuse('check', say.exclude('--policy', '--region'));
    return { kind: 'policy', path: policy };
  }
  if (alias !== undefined) checkAlias(alias);
  if (region === undefined) throw misuse('check', alias === undefined ? say.nothingToCheck : say.instanceNeedsRegion);
  if (!known.regions.includes(region)) throw misuse('check', say.unknownRegion(region, nearest(region, known.regions)));
  return { kind: 'instance', alias: alias ?? null, region };
}

function checkAlias(given: string): void {
  const parsed = InstanceAlias.safeParse(given);
  const guess = guessInstance(given);
  if (guess.kind === 'instance-id') throw misuse('check', say.instanceId(given));
  if (parsed.success) return;
  if (guess.kind === 'alias') throw misuse('check', say.aliasMeant(given, guess.alias));
  throw misuse('check', say.notAnAlias(given, parsed.error.issues[0]?.message ?? ''));
}

function parseOnly(given: string | undefined, known: Known): string[] | null {
  if (given === undefined) return null;
  const ids = given
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '');
  if (ids.length === 0) throw misuse('check', say.noChecksNamed);
  for (const id of ids) checkId(id, known);
  return [...new Set(ids)];
}

export function checkId(id: string, known: Known): void {
  if (known.checks.includes(id)) return;
  throw new Misuse(say.unknownCheck(id, nearest(id, known.checks)), say.seeList);
}

function parseOutput({ flags, values }: Given): CheckOutput {
  const asked = ['json', 'ndjson', 'junit'].filter((option) => flags.has(option) || values.has(option));
  const [first, second] = asked;
  if (first !== undefined && second !== undefined) throw misuse('check', say.exclude(`--${first}`, `--${second}`));
  const junit = values.get('junit');
  if (junit !== undefined) return { kind: 'junit', path: junit };
  return { kind: first === 'json' || first === 'ndjson' ? first : 'table' };
}
