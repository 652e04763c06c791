import { type ElementType, formatInterval, type Interval } from './intervals.ts';

export interface ElementSet {
  name: string;
  type: ElementType;
  elements: readonly Interval[];
}

export interface Chain {
  name: string;
  hook: 'input' | 'output';
  priority: number;
  rules: readonly string[];
}

/** A whole table. Every text in it is the product's own; what comes from outside is numbers. */
export interface TableWish {
  counters: readonly string[];
  sets: readonly ElementSet[];
  /** Sets that the rules fill. */
  dynamicSets: readonly string[];
  chains: readonly Chain[];
}

/** For one transaction: the kernel has the old table or the new one, never none and never a part. */
export function replaceScript(name: string, wish: TableWish): string {
  return `${deleteScript(name)}table inet ${name} {\n${[
    ...wish.counters.map((counter) => `  counter ${counter} {}`),
    ...wish.sets.map(renderSet),
    ...wish.dynamicSets.map((set) => `  set ${set}`),
    ...wish.chains.map(renderChain),
  ].join('\n')}\n}\n`;
}

/** Names the table first, because what is not there cannot be deleted. */
export function deleteScript(name: string): string {
  return `table inet ${name} {}\ndelete table inet ${name}\n`;
}

function renderSet({ name, type, elements }: ElementSet): string {
  // Users are one by one: a number in the computer's own byte order makes no interval.
  const listed = type === 'uid' ? elements.flatMap(valuesOf) : elements.map((element) => formatInterval(type, element));
  const flags = type === 'uid' ? '' : ' flags interval;';
  const body = listed.length > 0 ? ` elements = { ${listed.join(', ')} }` : '';
  return `  set ${name} { type ${type};${flags}${body}\n  }`;
}

function valuesOf({ first, last }: Interval): bigint[] {
  return Array.from({ length: Number(last - first) + 1 }, (_, i) => first + BigInt(i));
}

function renderChain({ name, hook, priority, rules }: Chain): string {
  const lines = rules.map((rule) => `    ${rule}\n`).join('');
  return `  chain ${name} { type filter hook ${hook} priority ${priority}; policy accept;\n${lines}  }`;
}
