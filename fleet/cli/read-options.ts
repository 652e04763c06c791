import { parseArgs } from 'node:util';
import { nearest } from '../../checks/nearest.ts';
import { type Given, type OptionKind, UsageFault } from './command.ts';

/** @throws {UsageFault} for an option that is unknown, lacks its value, or stands twice. */
export function readOptions(argv: readonly string[], kinds: Readonly<Record<string, OptionKind>>): Given {
  const known: Record<string, OptionKind> = { ...kinds, help: 'boolean', config: 'string' };
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(Object.entries(known).map(([name, kind]) => [name, { type: kind === 'boolean' ? 'boolean' : 'string' }])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const flags = new Set<string>();
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const kind = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (kind === undefined) {
      const near = nearest(token.name, Object.keys(known));
      throw new UsageFault(`unknown option ${token.rawName}${near === null ? '' : `; did you mean --${near}?`}`);
    }
    if (kind === 'boolean') {
      if (token.value !== undefined) throw new UsageFault(`${token.rawName} takes no value`);
      flags.add(token.name);
      continue;
    }
    const isOption = token.inlineValue !== true && token.value !== undefined && /^--/.test(token.value);
    if (token.value === undefined || token.value === '' || isOption) throw new UsageFault(`${token.rawName} needs a value`);
    const before = values.get(token.name) ?? [];
    if (before.length > 0 && kind === 'string') throw new UsageFault(`${token.rawName} is given twice`);
    values.set(token.name, [...before, token.value]);
  }
  return { flags, values, positionals };
}
