import { parseArgs } from 'node:util';
import { nearest } from '../../checks/nearest.ts';
import { usageMessages as say } from './messages.ts';

/** `strings` may be given more than once; its values are joined by commas. */
export type OptionKind = 'boolean' | 'string' | 'strings';

export interface Given {
  flags: ReadonlySet<string>;
  values: ReadonlyMap<string, string>;
  positionals: readonly string[];
}

/**
 * Reads options by `parseArgs`. Its strict mode tells neither the nearest option nor an option given twice, so its
 * tokens are checked here.
 */
export function readOptions(
  argv: readonly string[],
  kinds: Readonly<Record<string, OptionKind>>,
): { ok: true; given: Given } | { ok: false; message: string } {
  const all: Record<string, OptionKind> = { ...kinds, help: 'boolean' };
  const options = Object.fromEntries(
    Object.entries(all).map(([name, kind]) => [name, { type: kind === 'boolean' ? ('boolean' as const) : ('string' as const) }]),
  );
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...options, help: { type: 'boolean', short: 'h' } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });

  const flags = new Set<string>();
  const values = new Map<string, string>();
  const positionals: string[] = [];
  const refuse = (message: string) => ({ ok: false as const, message });
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const kind = Object.hasOwn(all, token.name) ? all[token.name] : undefined;
    if (kind === undefined) {
      const near = nearest(token.name, Object.keys(all));
      return refuse(say.unknownOption(token.rawName, near === null ? null : `--${near}`));
    }
    if (kind === 'boolean') {
      if (token.value !== undefined) return refuse(say.takesNoValue(token.rawName));
      flags.add(token.name);
      continue;
    }
    const looksLikeOption = token.inlineValue !== true && token.value !== undefined && /^-./.test(token.value);
    if (token.value === undefined || token.value === '' || looksLikeOption) return refuse(say.needsValue(token.rawName));
    const before = values.get(token.name);
    if (before !== undefined && kind === 'string') return refuse(say.givenTwice(token.rawName));
    values.set(token.name, before === undefined ? token.value : `${before},${token.value}`);
  }
  return { ok: true, given: { flags, values, positionals } };
}
