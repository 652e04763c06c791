import path from 'node:path';
import { repoRoot } from '../../build/repo.ts';

/** The command line as it ships; `npm test` bundles it before the tests. */
export const shippedCli: readonly string[] = [process.execPath, path.join(repoRoot, 'dist', 'agent', 'deskwarden.js')];
