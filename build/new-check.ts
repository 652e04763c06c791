// `npm run new:check network.example`: writes a check, its case table and its texts, and adds it to the catalogue.
// What it writes compiles and fails its tests until a person has filled it in.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { retiredIds } from '../checks/retired-ids.ts';
import { locales } from '../checks/texts/locale.ts';
import { CheckId, Domain } from '../contracts/finding.ts';
import { casesPath } from '../test/cases/load-cases.ts';
import { biomeFormat } from './gen/biome-format.ts';
import { withCheck } from './new-check/catalog-line.ts';
import { casesSource, checkSource, fillInMark, textsSource } from './new-check/templates.ts';
import { repoRoot } from './repo.ts';

const catalogPath = 'checks/catalog.ts';

const id = process.argv[2] ?? '';
const objection = whyNot(id);
if (objection === null) await write(id);
else {
  console.error(objection);
  process.exitCode = 2;
}

function whyNot(wanted: string): string | null {
  if (wanted === '') return 'usage: npm run new:check DOMAIN.NAME, such as network.example';
  const parsed = CheckId.safeParse(wanted);
  if (!parsed.success)
    return `${wanted}: ${parsed.error.issues.map(({ message }) => message).join('; ')}; a domain is one of ${Domain.options.join(', ')}`;
  if (retiredIds.includes(wanted)) return `${wanted} is retired (checks/retired-ids.ts): stored reports still use it, take another name`;
  const taken = Object.keys(filesOf(wanted)).find((name) => existsSync(path.join(repoRoot, name)));
  return taken === undefined ? null : `${taken} is there already`;
}

function filesOf(check: string): Record<string, string> {
  return {
    [`checks/${check.replace('.', '/')}.check.ts`]: checkSource(check),
    [casesPath(check)]: casesSource(check),
    [`checks/texts/checks/${check}.json`]: textsSource(locales),
  };
}

async function write(check: string): Promise<void> {
  const catalog = withCheck(await readFile(path.join(repoRoot, catalogPath), 'utf8'), check);
  const files = filesOf(check);
  for (const [name, text] of Object.entries({ ...files, [catalogPath]: catalog })) {
    const filePath = path.join(repoRoot, name);
    await mkdir(path.dirname(filePath), { recursive: true });
    await writeFile(filePath, biomeFormat(name, text));
  }
  const [checkPath, tablePath, textsPath] = Object.keys(files);
  console.log(`wrote ${checkPath}, ${tablePath} and ${textsPath}, and added ${check} to ${catalogPath}

Next (docs/adding-a-check.md):
  1. evidence and its case table: what you can observe, one case for each reason
  2. evaluate: until its cases pass
  3. probe: \`seen: false\` with a cause for every way to be blind
  4. the texts: everything that starts with ${fillInMark}
  5. npm run gen, then npm test`);
}
