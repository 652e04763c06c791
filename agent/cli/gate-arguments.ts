import { nearest } from '../../checks/nearest.ts';
import { misuse, noPositionals, parseStyle, read, type Style } from './argument-reading.ts';
import type { Command } from './arguments.ts';
import { usageMessages as say } from './messages.ts';

export type GateCommand =
  | ({ kind: 'gate-status'; json: boolean } & Style)
  | { kind: 'gate-release'; byCode: boolean }
  | { kind: 'gate-agent-loss' };

export function parseGate(argv: readonly string[]): Command {
  const [name, ...rest] = argv;
  switch (name) {
    case 'status': {
      const given = read('gate status', rest, { json: 'boolean', lang: 'string', 'no-color': 'boolean' });
      if (given.flags.has('help')) return { kind: 'help', topic: 'gate status' };
      noPositionals('gate status', given);
      return { kind: 'gate-status', json: given.flags.has('json'), ...parseStyle('gate status', given) };
    }
    case 'release':
      return parseRelease(rest);
    case 'agent-loss': {
      const given = read('gate', rest, {});
      if (given.flags.has('help')) return { kind: 'help', topic: 'gate' };
      noPositionals('gate', given);
      return { kind: 'gate-agent-loss' };
    }
    default: {
      const { flags, positionals } = read('gate', argv, {});
      if (flags.has('help')) return { kind: 'help', topic: 'gate' };
      const [command] = positionals;
      if (command === undefined) throw misuse('gate', say.noCommand);
      const near = nearest(command, ['status', 'release']);
      throw misuse('gate', say.unknownCommand(`gate ${command}`, near === null ? null : `gate ${near}`));
    }
  }
}

/** Other programs of the same computer can read a process's arguments, so a code is never one. */
function parseRelease(argv: readonly string[]): Command {
  if (argv.some((argument) => argument.startsWith('--code='))) throw misuse('gate release', say.codeInArguments);
  const given = read('gate release', argv, { code: 'boolean' });
  if (given.flags.has('help')) return { kind: 'help', topic: 'gate release' };
  if (given.positionals.length > 0) throw misuse('gate release', say.codeInArguments);
  return { kind: 'gate-release', byCode: given.flags.has('code') };
}
