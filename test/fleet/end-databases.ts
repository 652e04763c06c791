import { endServersOf } from './database-server.ts';

/** For vitest's `globalSetup`. Without it the servers end by themselves, a moment after the run. */
export function teardown(): Promise<void> {
  return endServersOf(process.pid);
}
