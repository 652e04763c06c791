import { describe } from 'vitest';
import { whyNoDatabase } from './database-server.ts';

/** `describe` of tests that need a database; where there is none they are skipped, and their name says why. */
export function describeWithDatabase(name: string, tests: () => void): void {
  const why = whyNoDatabase();
  describe.skipIf(why !== null)(`${name}${why === null ? '' : `: ${why}`}`, tests);
}
