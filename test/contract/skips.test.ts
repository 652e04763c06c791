import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { repoRoot } from '../../build/repo.ts';

// `npm test` counts a skip without a reason as a failure, which shows only on the machine that skips.
it('every conditional skip names its reason', async () => {
  const testDir = path.join(repoRoot, 'test');
  const names = (await readdir(testDir, { recursive: true })).filter((name) => name.endsWith('.test.ts'));
  const skips = await Promise.all(
    names.map(async (name) => {
      const lines = (await readFile(path.join(testDir, name), 'utf8')).split('\n');
      return lines.flatMap((line, index) => (/\.(?:skipIf|runIf)\(/.test(line) ? [{ at: `${name}:${index + 1}`, line }] : []));
    }),
  );
  expect(skips.flat().length).toBeGreaterThan(0);
  // `faults()` of test/faults/fault.ts puts the reason into the name.
  const nameless = skips.flat().filter(({ line }) => !/\[.+\]|['"`][^'"`]*: .|\bfaults\(/.test(line));
  expect(
    nameless.map(({ at }) => at),
    'say why in the name: it.skipIf(...)("... [needs root]")',
  ).toEqual([]);
});
