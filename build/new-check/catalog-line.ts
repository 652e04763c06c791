import { identifierOf } from '../gen/texts-index.ts';

const importLine = /^import \w+ from '\.\/([a-z]+)\/([a-z0-9-]+)\.check\.ts';\n/gm;
const list = /(export const catalog: readonly AnyCheck\[\] = \[)[^\]]*(\];)/;

/** The source of checks/catalog.ts with one more check, sorted by id. */
export function withCheck(source: string, id: string): string {
  const present = [...source.matchAll(importLine)].map(([, domain, name]) => `${domain}.${name}`);
  const first = source.search(importLine);
  const at = first === -1 ? source.indexOf('\n', source.indexOf('import ')) + 1 : first;
  if (!list.test(source) || at === 0) throw new Error('checks/catalog.ts has not the shape that this program knows: add the check by hand');
  const ids = [...present, id].sort();
  const imports = ids.map((one) => `import ${identifierOf(one)} from './${one.replace('.', '/')}.check.ts';\n`).join('');
  const without = source.replace(importLine, '');
  const entries = ids.map((one) => `  ${identifierOf(one)},\n`).join('');
  return `${without.slice(0, at)}${imports}${without.slice(at)}`.replace(list, `$1\n${entries}$2`);
}
