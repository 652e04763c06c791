import { nearest } from '../../checks/nearest.ts';
import { type Locale, matchLocale } from '../../checks/texts/locale.ts';
import { InstanceAlias } from '../../contracts/instance.ts';
import { guessInstance } from './instance-guess.ts';
import { usageMessages as say, type Topic } from './messages.ts';
import { type Given, readOptions } from './options.ts';

export type CheckSource = { kind: 'instance'; alias: string | null; region: string } | { kind: 'policy'; path: string };

/** `junit: '-'` prints XML in place of the table; another path gets it beside the table. */
export type CheckOutput = { kind: 'table' } | { kind: 'json' } | { kind: 'ndjson' } | { kind: 'junit'; path: string };

export interface CheckCommand {
  kind: 'check';
  source: CheckSource;
  only: string[] | null;
  output: CheckOutput;
  lang: Locale | null;
  color: boolean;
}

export type Command =
  | { kind: 'help'; topic: Topic }
  | { kind: 'version' }
  | CheckCommand
  | { kind: 'list'; json: boolean; lang: Locale | null; color: boolean }
  | { kind: 'explain'; id: string; lang: Locale | null; color: boolean }
  | { kind: 'policy-validate'; path: string }
  | { kind: 'policy-schema' }
  | { kind: 'daemon' }
  | { kind: 'status'; json: boolean; lang: Locale | null; color: boolean }
  | { kind: 'recheck' };

/** What the arguments are checked against. */
export interface Known {
  checks: readonly string[];
  regions: readonly string[];
}

export type ParsedArguments = { ok: true; command: Command } | { ok: false; message: string; see: string };

/** Thrown within this file only: what is wrong with the arguments. */
class Misuse extends Error {
  readonly see: string;
  constructor(message: string, see: string) {
    super(message);
    this.see = see;
  }
}

export function parseArguments(argv: readonly string[], known: Known): ParsedArguments {
  try {
    return { ok: true, command: parse(argv, known) };
  } catch (error) {
    if (error instanceof Misuse) return { ok: false, message: error.message, see: error.see };
    throw error;
  }
}

function parse(argv: readonly string[], known: Known): Command {
  const [name, ...rest] = argv;
  switch (name) {
    case 'check':
      return parseCheck(rest, known);
    case 'explain':
      return parseExplain(rest, known);
    case 'policy':
      return parsePolicy(rest);
    case 'daemon':
    case 'recheck':
      return parseBare(name, rest);
    case 'status':
      return parseStatus(rest);
    default: {
      const given = read('', argv, { version: 'boolean' });
      if (given.flags.has('help')) return { kind: 'help', topic: '' };
      if (given.flags.has('version')) return { kind: 'version' };
      const [command] = given.positionals;
      if (command === undefined) throw misuse('', say.noCommand);
      throw misuse('', say.unknownCommand(command, nearest(command, ['check', 'explain', 'policy', 'daemon', 'status', 'recheck'])));
    }
  }
}

function parseCheck(argv: readonly string[], known: Known): Command {
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
  const style = { lang: parseLang('check', values.get('lang')), color: !flags.has('no-color') };
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

function checkId(id: string, known: Known): void {
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

function parseExplain(argv: readonly string[], known: Known): Command {
  const { flags, values, positionals } = read('explain', argv, { lang: 'string', 'no-color': 'boolean' });
  if (flags.has('help')) return { kind: 'help', topic: 'explain' };
  const id = onePositional('explain', 'ID', positionals);
  checkId(id, known);
  return { kind: 'explain', id, lang: parseLang('explain', values.get('lang')), color: !flags.has('no-color') };
}

/** A command without options of its own. */
function parseBare(kind: 'daemon' | 'recheck', argv: readonly string[]): Command {
  const given = read(kind, argv, {});
  if (given.flags.has('help')) return { kind: 'help', topic: kind };
  noPositionals(kind, given);
  return { kind };
}

function parseStatus(argv: readonly string[]): Command {
  const given = read('status', argv, { json: 'boolean', lang: 'string', 'no-color': 'boolean' });
  const { flags, values } = given;
  if (flags.has('help')) return { kind: 'help', topic: 'status' };
  noPositionals('status', given);
  return { kind: 'status', json: flags.has('json'), lang: parseLang('status', values.get('lang')), color: !flags.has('no-color') };
}

function parsePolicy(argv: readonly string[]): Command {
  const [name, ...rest] = argv;
  if (name === 'validate') {
    const { flags, positionals } = read('policy validate', rest, {});
    if (flags.has('help')) return { kind: 'help', topic: 'policy validate' };
    return { kind: 'policy-validate', path: onePositional('policy validate', 'FILE', positionals) };
  }
  if (name === 'schema') {
    const given = read('policy schema', rest, {});
    if (given.flags.has('help')) return { kind: 'help', topic: 'policy schema' };
    noPositionals('policy schema', given);
    return { kind: 'policy-schema' };
  }
  const { flags, positionals } = read('policy', argv, {});
  if (flags.has('help')) return { kind: 'help', topic: 'policy' };
  const [command] = positionals;
  if (command === undefined) throw misuse('policy', say.noCommand);
  const near = nearest(command, ['validate', 'schema']);
  throw misuse('policy', say.unknownCommand(`policy ${command}`, near === null ? null : `policy ${near}`));
}

function parseLang(topic: Topic, given: string | undefined): Locale | null {
  if (given === undefined) return null;
  const locale = matchLocale(given);
  if (locale === null) throw misuse(topic, say.unknownLanguage(given));
  return locale;
}

function onePositional(topic: Topic, name: string, positionals: readonly string[]): string {
  const [first, second] = positionals;
  if (first === undefined) throw misuse(topic, say.missingArgument(name));
  if (second !== undefined) throw misuse(topic, say.unexpected(second));
  return first;
}

function noPositionals(topic: Topic, { positionals }: Given): void {
  const [first] = positionals;
  if (first !== undefined) throw misuse(topic, say.unexpected(first));
}

function read(topic: Topic, argv: readonly string[], options: Parameters<typeof readOptions>[1]): Given {
  const given = readOptions(argv, options);
  if (!given.ok) throw misuse(topic, given.message);
  return given.given;
}

function misuse(topic: Topic, message: string): Misuse {
  return new Misuse(message, say.seeHelp(topic));
}
