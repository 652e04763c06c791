import { nearest } from '../../checks/nearest.ts';
import { ConfigFault } from '../config.ts';
import { FleetFault } from '../http/fault.ts';
import { type Command, type Context, UsageFault } from './command.ts';
import { readOptions } from './read-options.ts';

const USAGE = 2;
const INTERNAL = 70;
const CONFIG = 78;

/** Runs one command line of `deskwarden-fleet`. Resolves to the exit status. */
export async function runProgram(
  argv: readonly string[],
  commands: readonly Command[],
  makeContext: (configPath?: string) => Context,
): Promise<number> {
  const context = makeContext();
  if (argv.includes('--version')) {
    context.out(`${context.version}\n`);
    return 0;
  }
  const command = commands
    .filter(({ name }) => name.split(' ').every((word, at) => argv[at] === word))
    .sort((a, b) => b.name.length - a.name.length)[0];
  if (!command) return noCommand(argv, commands, context);
  try {
    const given = readOptions(argv.slice(command.name.split(' ').length), command.options);
    if (given.flags.has('help')) {
      context.out(helpOf(command));
      return 0;
    }
    const { least, most } = command.positionals;
    if (given.positionals.length < least || given.positionals.length > most) {
      throw new UsageFault(given.positionals.length < least ? 'something is missing' : `what is "${given.positionals[most]}"?`);
    }
    const [configPath] = given.values.get('config') ?? [];
    return await command.run(given, configPath === undefined ? context : makeContext(configPath));
  } catch (error) {
    return tell(error, command, context);
  }
}

function noCommand(argv: readonly string[], commands: readonly Command[], context: Context): number {
  const words = argv.filter((word) => !word.startsWith('-'));
  if (words.length === 0) {
    const isAsked = argv.length === 0 || argv.some((word) => word === '--help' || word === '-h');
    (isAsked ? context.out : context.err)(overview(commands));
    return isAsked ? 0 : USAGE;
  }
  const near =
    nearest(
      words.slice(0, 2).join(' '),
      commands.map(({ name }) => name),
    ) ??
    nearest(
      words[0] ?? '',
      commands.map(({ name }) => name),
    );
  context.err(`deskwarden-fleet: no command "${words.slice(0, 2).join(' ')}"${near === null ? '' : `; did you mean "${near}"?`}\n`);
  return USAGE;
}

function tell(error: unknown, command: Command, context: Context): number {
  if (error instanceof UsageFault) {
    context.err(`deskwarden-fleet ${command.name}: ${error.message}\nUsage: deskwarden-fleet ${command.name} ${command.usage}\n`);
    return USAGE;
  }
  if (error instanceof ConfigFault) {
    context.err(`deskwarden-fleet: ${error.message}\n`);
    return CONFIG;
  }
  if (error instanceof FleetFault && error.code !== 'internal') {
    context.err(`deskwarden-fleet ${command.name}: ${error.place.path ? `${error.place.path}: ` : ''}${error.message}\n`);
    return 1;
  }
  context.err(`deskwarden-fleet ${command.name}: ${error instanceof Error ? error.message : String(error)}\n`);
  return INTERNAL;
}

function helpOf({ name, usage, help }: Command): string {
  return `Usage: deskwarden-fleet ${name} ${usage}\n\n${help.trim()}\n\n  --config FILE        the server's configuration (by default $DESKWARDEN_FLEET_CONFIG\n                       or /etc/deskwarden-fleet/fleet.yaml)\n`;
}

function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: deskwarden-fleet COMMAND [options]

The fleet server of Deskwarden: enrols desks, gives them signed policy, and knows
which of them can take calls.

Commands:
${lines.join('\n')}

\`deskwarden-fleet COMMAND --help\` tells more of each.
`;
}
