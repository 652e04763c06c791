import { nearest } from '../../checks/nearest.ts';
import { FleetUrl } from '../../contracts/config.ts';
import { type Known, Misuse, misuse, neededValue, noPositionals, onePositional, parseStyle, read, type Style } from './argument-reading.ts';
import { type CheckCommand, checkId, parseCheck } from './check-arguments.ts';
import { type GateCommand, parseGate } from './gate-arguments.ts';
import type { Topic } from './help.ts';
import { usageMessages as say } from './messages.ts';

const commands = ['check', 'explain', 'policy', 'daemon', 'status', 'recheck', 'gate', 'enrol', 'bundle'];

export type Command =
  | { kind: 'help'; topic: Topic }
  | { kind: 'version' }
  | CheckCommand
  | ({ kind: 'list'; json: boolean } & Style)
  | ({ kind: 'explain'; id: string } & Style)
  | { kind: 'policy-validate'; path: string }
  | { kind: 'policy-schema' }
  | { kind: 'daemon' }
  | ({ kind: 'status'; json: boolean } & Style)
  | { kind: 'recheck' }
  | GateCommand
  | { kind: 'enrol'; server: string; ticketFile: string }
  | { kind: 'bundle'; out: string; force: boolean };

export type ParsedArguments = { ok: true; command: Command } | { ok: false; message: string; see: string };

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
    case 'gate':
      return parseGate(rest);
    case 'enrol':
      return parseEnrol(rest);
    case 'bundle':
      return parseBundle(rest);
    default: {
      const given = read('', argv, { version: 'boolean' });
      if (given.flags.has('help')) return { kind: 'help', topic: '' };
      if (given.flags.has('version')) return { kind: 'version' };
      const [command] = given.positionals;
      if (command === undefined) throw misuse('', say.noCommand);
      throw misuse('', say.unknownCommand(command, nearest(command, commands)));
    }
  }
}

function parseExplain(argv: readonly string[], known: Known): Command {
  const given = read('explain', argv, { lang: 'string', 'no-color': 'boolean' });
  const { flags, positionals } = given;
  if (flags.has('help')) return { kind: 'help', topic: 'explain' };
  const id = onePositional('explain', 'ID', positionals);
  checkId(id, known);
  return { kind: 'explain', id, ...parseStyle('explain', given) };
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
  if (given.flags.has('help')) return { kind: 'help', topic: 'status' };
  noPositionals('status', given);
  return { kind: 'status', json: given.flags.has('json'), ...parseStyle('status', given) };
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

function parseEnrol(argv: readonly string[]): Command {
  const given = read('enrol', argv, { server: 'string', 'ticket-file': 'string' });
  if (given.flags.has('help')) return { kind: 'help', topic: 'enrol' };
  // It may be the ticket, so it is not repeated.
  if (given.positionals.length > 0) throw misuse('enrol', say.ticketInArguments);
  const server = neededValue('enrol', given, 'server');
  const parsed = FleetUrl.safeParse(server);
  if (!parsed.success) throw misuse('enrol', say.badServer);
  return { kind: 'enrol', server: parsed.data, ticketFile: neededValue('enrol', given, 'ticket-file') };
}

function parseBundle(argv: readonly string[]): Command {
  const given = read('bundle', argv, { out: 'string', force: 'boolean' });
  if (given.flags.has('help')) return { kind: 'help', topic: 'bundle' };
  noPositionals('bundle', given);
  return { kind: 'bundle', out: neededValue('bundle', given, 'out'), force: given.flags.has('force') };
}
