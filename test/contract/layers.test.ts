import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { repoRoot } from '../../build/repo.ts';

const dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-layers-'));
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A small tree with one offender for each rule, and beside them what is allowed. */
const tree: Record<string, string> = {
  'package.json':
    '{"name":"layers","dependencies":{"zod":"1.0.0","react":"1.0.0"},"devDependencies":{"vitest":"1.0.0","electron":"1.0.0"}}',
  ...installed('zod', 'react', 'vitest', 'electron'),

  'contracts/good.ts': "import 'zod';",
  'checks/good.ts': "import '../contracts/good.ts'; import 'zod';",
  'checks/texts/lookup.ts': "import '../../contracts/good.ts';",
  'agent/good.ts': "import '../checks/good.ts'; import '../contracts/good.ts'; import 'node:fs'; import 'zod';",
  'main/good.ts': "import '../contracts/good.ts'; import '../checks/texts/lookup.ts'; import 'node:path';",
  'main/electron/good.ts': "import '../good.ts'; import 'electron';",
  'renderer/good.ts': "import '../contracts/good.ts'; import '../checks/good.ts'; import 'react';",
  'fleet/good.ts': "import '../contracts/good.ts'; import '../checks/good.ts'; import 'node:fs';",
  'fleet/console/good.ts': "import '../../contracts/good.ts'; import '../../checks/texts/lookup.ts'; import 'react';",
  'build/good.ts': "import '../agent/good.ts'; import '../fleet/good.ts'; import 'vitest';",
  'test/good.ts': "import '../main/good.ts'; import '../renderer/good.ts'; import 'vitest';",
  'agent/type-cycle-a.ts': "import type { B } from './type-cycle-b.ts'; export interface A { b: B }",
  'agent/type-cycle-b.ts': "import type { A } from './type-cycle-a.ts'; export interface B { a: A }",

  'contracts/bad-room.ts': "import '../checks/good.ts';",
  'contracts/bad-node.ts': "import 'node:fs';",
  'checks/bad-node.ts': "import 'node:dns/promises';",
  'checks/bad-bare-node.ts': "import 'fs';",
  'checks/bad-package.ts': "import 'react';",
  'checks/bad-type.ts': "import type { x } from '../agent/good.ts';",
  'agent/bad-room.ts': "import '../fleet/good.ts';",
  'agent/bad-lazy.ts': "export const load = () => import('../renderer/good.ts');",
  'agent/bad-electron.ts': "import 'electron';",
  'agent/bad-test.ts': "import '../test/good.ts';",
  'agent/bad-dev.ts': "import 'vitest';",
  'agent/bad-cycle-a.ts': "import './bad-cycle-b.ts';",
  'agent/bad-cycle-b.ts': "import './bad-cycle-a.ts';",
  'agent/bad-missing.ts': "import './nowhere.ts';",
  'main/bad-checks.ts': "import '../checks/good.ts';",
  'main/bad-electron.ts': "import 'electron';",
  'main/bad-agent.ts': "import '../agent/good.ts';",
  'renderer/bad-room.ts': "import '../main/good.ts';",
  'renderer/bad-node.ts': "import 'node:fs';",
  'fleet/bad-room.ts': "import '../agent/good.ts';",
  'fleet/console/bad-server.ts': "import '../good.ts';",
  'fleet/console/bad-checks.ts': "import '../../checks/good.ts';",
  'test/bad-electron.ts': "import 'electron';",
};

const expected = [
  'agent-knows-no-face: agent/bad-lazy.ts',
  'agent-knows-no-face: agent/bad-room.ts',
  'checks-are-pure: checks/bad-bare-node.ts',
  'checks-are-pure: checks/bad-node.ts',
  'checks-are-pure: checks/bad-package.ts',
  'checks-are-pure: checks/bad-type.ts',
  'console-knows-contracts-and-texts: fleet/console/bad-checks.ts',
  'console-knows-contracts-and-texts: fleet/console/bad-server.ts',
  'contracts-know-zod-only: contracts/bad-node.ts',
  'contracts-know-zod-only: contracts/bad-room.ts',
  'electron-in-main-only: agent/bad-electron.ts',
  'electron-in-main-only: main/bad-electron.ts',
  'electron-in-main-only: test/bad-electron.ts',
  'fleet-knows-no-desk: fleet/bad-room.ts',
  'imports-resolve: agent/bad-missing.ts',
  'main-knows-contracts-and-texts: main/bad-agent.ts',
  'main-knows-contracts-and-texts: main/bad-checks.ts',
  'no-cycles: agent/bad-cycle-a.ts',
  'pages-have-no-node: renderer/bad-node.ts',
  'renderer-knows-no-host: renderer/bad-room.ts',
  'shipped-code-has-no-dev-dependency: agent/bad-dev.ts',
  'shipped-code-knows-no-tests: agent/bad-test.ts',
];

describe('layers', () => {
  it('refuses each offender by its rule, and nothing else', async () => {
    for (const [name, text] of Object.entries(tree)) {
      await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
      await writeFile(path.join(dir, name), text);
    }
    const violations = (await cruise()).summary.violations;
    expect([...new Set(violations.map(({ rule, from }) => `${rule.name}: ${from}`))].sort()).toEqual(expected);
  });
});

function installed(...names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => [
      [`node_modules/${name}/package.json`, `{"name":"${name}","version":"1.0.0","main":"index.js"}`],
      [`node_modules/${name}/index.js`, ''],
    ]),
  );
}

interface Cruised {
  summary: { violations: { rule: { name: string }; from: string }[] };
}

/** Runs the very command of `npm run layers`; its exit code is the number of violations. */
function cruise(): Promise<Cruised> {
  const program = path.join(repoRoot, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [program, '--config', path.join(repoRoot, 'build/layers.cjs'), '--output-type', 'json', '.'];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: dir, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error && stdout === '') reject(new Error(stderr, { cause: error }));
      else resolve(JSON.parse(stdout) as Cruised);
    });
  });
}
