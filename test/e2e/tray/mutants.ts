// Takes one protection after the other out of a copy of the tree, and shows which tests notice. It takes some minutes.
// Usage: npx tsx test/e2e/tray/mutants.ts [NAME...]
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { repoRoot } from '../../../build/repo.ts';

interface Mutant {
  name: string;
  file: string;
  from: string;
  to: string;
  e2e: string;
  unit: string;
}

const mutants: readonly Mutant[] = [
  {
    name: 'gate off',
    file: 'main/ccp/choose-face.ts',
    from: `const isShut = acting && state === 'closed';`,
    to: 'const isShut: boolean = false;',
    e2e: 'gate.test.ts',
    unit: 'ccp',
  },
  {
    name: 'microphone for everyone',
    file: 'main/ccp/ccp-rules.ts',
    from: '  if (!isCcp(places, from) || !isEmbeddedWell) return false;\n',
    to: '',
    e2e: 'site.test.ts',
    unit: 'ccp',
  },
  {
    name: 'sender check removed',
    file: 'main/ipc/serve-pages.ts',
    from: '    if (flaw !== null) return refuse(flaw);\n',
    to: '',
    e2e: 'site.test.ts',
    unit: 'ipc',
  },
  {
    name: 'navigation rule removed',
    file: 'main/ccp/ccp-rules.ts',
    from: '  if (isCcpOrLogin(places, url)) return window;\n  if (!isMainFrame)',
    to: '  if (url !== "") return window;\n  if (!isMainFrame)',
    e2e: 'site.test.ts',
    unit: 'ccp',
  },
  {
    name: 'daemon owner check removed',
    file: 'main/desk/read-daemon-key.ts',
    from: `  if (flaw !== null) throw new LinkFault('not-the-daemon', flaw);\n`,
    to: '',
    e2e: 'life.test.ts',
    unit: 'desk',
  },
];

const wanted = process.argv.slice(2);
const copy = await mkdtemp(path.join(tmpdir(), 'deskwarden-mutants-'));
let survivors = 0;
try {
  const left = new Set(['node_modules', '.git', 'dist']);
  // With its times: what has not changed is not built again.
  await cp(repoRoot, copy, { recursive: true, preserveTimestamps: true, filter: (from) => !left.has(path.relative(repoRoot, from)) });
  await symlink(path.join(repoRoot, 'node_modules'), path.join(copy, 'node_modules'));
  const chosen = mutants.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  for (const where of new Set(chosen.flatMap(placesOf))) {
    const failed = await failures(where);
    if (failed.length > 0) throw new Error(`${where} fails without any mutant: ${failed.join(', ')}`);
  }
  for (const mutant of chosen) {
    const file = path.join(copy, mutant.file);
    const text = await readFile(file, 'utf8');
    if (text.split(mutant.from).length !== 2) throw new Error(`${mutant.name}: ${mutant.file} does not have it once`);
    await writeFile(
      file,
      text.replace(mutant.from, () => mutant.to),
    );
    const [inE2e, inUnit] = placesOf(mutant);
    const e2e = await failures(inE2e);
    const unit = await failures(inUnit);
    await writeFile(file, text);
    if (e2e.length === 0) survivors += 1;
    console.log(`${mutant.name}: ${e2e.length === 0 ? 'SURVIVES' : 'killed'}, and by ${unit.length} unit tests: ${unit[0] ?? 'none'}`);
    for (const name of e2e) console.log(`  ${name}`);
  }
} finally {
  await rm(copy, { recursive: true, force: true });
}
process.exitCode = survivors === 0 ? 0 : 1;

function placesOf({ e2e, unit }: Mutant): [e2e: string, unit: string] {
  return [`test/e2e/tray/${e2e}`, `test/unit/main/${unit}`];
}

/** Names of the tests there that fail. */
function failures(where: string): Promise<string[]> {
  const args = [path.join('node_modules', 'vitest', 'vitest.mjs'), 'run', where, '--reporter=json'];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: copy, maxBuffer: 64 * 1024 * 1024 }, (_error, stdout) => {
      try {
        const { testResults } = JSON.parse(stdout.slice(stdout.indexOf('{"num'))) as Report;
        const all = testResults.flatMap(({ assertionResults }) => assertionResults);
        if (!all.some(({ status }) => status === 'passed'))
          throw new Error(`${where} does not even run: ${reasonsOf(testResults).join('\n')}`);
        resolve(all.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName));
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** What a hook met is told of its file, and of none of its tests. */
function reasonsOf(results: Report['testResults']): string[] {
  return results.flatMap(({ message, assertionResults }) => [
    message,
    ...assertionResults.flatMap(({ failureMessages }) => failureMessages),
  ]);
}

interface Report {
  testResults: { message: string; assertionResults: { status: string; fullName: string; failureMessages: string[] }[] }[];
}
