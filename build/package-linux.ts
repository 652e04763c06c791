import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildPackage } from './package-linux/build-package.ts';
import { CannotPackage } from './package-linux/node-runtime.ts';
import { repoRoot } from './repo.ts';

const usage = 'usage: npm run package:linux -- [--out DIR] [--quick]\n';

process.exitCode = await main();

async function main(): Promise<number> {
  let outDir = path.join(repoRoot, 'dist', 'package');
  let isQuick = false;
  try {
    const { values } = parseArgs({ options: { out: { type: 'string' }, quick: { type: 'boolean' }, help: { type: 'boolean' } } });
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    outDir = values.out === undefined ? outDir : path.resolve(values.out);
    isQuick = values.quick ?? false;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}`);
    return 2;
  }
  const startedMs = performance.now();
  const seconds = () => `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`;
  try {
    const built = await buildPackage({
      outDir,
      compression: isQuick ? 'quick' : 'xz',
      sourceDateEpoch: process.env.SOURCE_DATE_EPOCH,
      onStep: (step) => process.stderr.write(`${seconds().padStart(7)}  ${step} ...\n`),
    });
    process.stdout.write(`${built.path}  ${(built.bytes / 1e6).toFixed(1)} MB  ${seconds()}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof CannotPackage)) throw error;
    process.stderr.write(`package:linux: ${error.message}\n`);
    return 1;
  }
}
