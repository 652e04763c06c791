export type Request =
  | { kind: 'help' }
  | { kind: 'list' }
  | { kind: 'run'; scenario: string; command: string[]; verbose: boolean }
  | { kind: 'wrong'; problem: string };

export const usage = `usage: npm run lab -- [--verbose] SCENARIO -- COMMAND [ARGUMENT...]
       npm run lab -- SCENARIO        a shell on the desk
       npm run lab -- --list          the scenarios

Runs COMMAND on a desk behind a site with a firewall, DNS, web and TURN servers of its own, and ends with its exit code.
COMMAND finds the policy for that network in $LAB_POLICY, and the lab's directory in $LAB_DIR. In its arguments these stand for
the same, and so does an empty argument after --policy: that is "$LAB_POLICY" once the calling shell has read it.
Exit codes of the lab itself: 2 wrong usage, 69 this machine cannot run it, 70 it could not be set up, 127 no such command.`;

export function parseArguments(argv: readonly string[]): Request {
  const split = argv.indexOf('--');
  const own = split === -1 ? argv : argv.slice(0, split);
  const command = split === -1 ? [] : argv.slice(split + 1);
  const options = own.filter((word) => word.startsWith('-'));
  const [scenario, ...more] = own.filter((word) => !word.startsWith('-'));
  if (options.includes('--help') || options.includes('-h')) return { kind: 'help' };
  if (options.includes('--list')) return { kind: 'list' };
  const unknown = options.find((option) => option !== '--verbose');
  if (unknown) return { kind: 'wrong', problem: `no option "${unknown}"` };
  if (!scenario) return { kind: 'wrong', problem: 'which scenario?' };
  if (more.length > 0) return { kind: 'wrong', problem: `write "--" before the command: ${scenario} -- ${more.join(' ')}` };
  if (split !== -1 && command.length === 0) return { kind: 'wrong', problem: 'a command is missing after "--"' };
  return { kind: 'run', scenario, command, verbose: options.includes('--verbose') };
}

/** The calling shell knows no `$LAB_POLICY`: it hands over the words themselves from single quotes, and nothing from double ones. */
export function fillInArguments(argv: readonly string[], env: Readonly<Record<string, string>>): string[] {
  return argv.map((word, at) => {
    if (word === '' && argv[at - 1] === '--policy') return env.LAB_POLICY ?? '';
    return word.replace(/\$(LAB_[A-Z]+)\b/g, (whole, name: string) => env[name] ?? whole);
  });
}
