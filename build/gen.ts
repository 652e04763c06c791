// `npm run gen` writes every generated file; `--check` writes nothing and fails when one is stale.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { agentDependencies, agentDependenciesPath } from './gen/agent-dependencies.ts';
import { checksPage, checksPagePath } from './gen/checks-page.ts';
import { policySchemaFile, policySchemaPath } from './gen/policy-schema.ts';
import { textsIndex, textsIndexPath } from './gen/texts-index.ts';
import { licencesPath, thirdPartyLicenses } from './gen/third-party-licenses.ts';
import { repoRoot } from './repo.ts';

/** The index of texts first: what is bundled later imports it. */
const generators: readonly [string, () => Promise<string>][] = [
  [textsIndexPath, textsIndex],
  [checksPagePath, checksPage],
  [policySchemaPath, policySchemaFile],
  [licencesPath, thirdPartyLicenses],
  [agentDependenciesPath, agentDependencies],
];

const checkOnly = process.argv.includes('--check');
for (const [name, generate] of generators) {
  try {
    await refresh(name, await generate());
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

async function refresh(name: string, fresh: string): Promise<void> {
  const filePath = path.join(repoRoot, name);
  const present = await readFile(filePath, 'utf8').catch(() => null);
  if (present === fresh) return;
  if (checkOnly) {
    console.error(`${name} is stale: run \`npm run gen\` and commit what it writes`);
    process.exitCode = 1;
    return;
  }
  await mkdir(path.dirname(filePath), { recursive: true });
  await writeFile(filePath, fresh);
  console.log(`wrote ${name}`);
}
