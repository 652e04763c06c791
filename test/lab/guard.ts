import { setTimeout as delay } from 'node:timers/promises';
import { sweepStaleLabs } from './namespaces.ts';

// Runs beside the runner, detached from its terminal. The pipe on its input ends when the runner does, however it ends.

/** An `ip` that the runner had just started may still be adding a namespace. */
const SETTLE_MS = 300;

process.stdin.resume();
process.stdin.once('close', async () => {
  let quiet = 0;
  while (quiet < 2) {
    quiet = (await sweepStaleLabs()) ? 0 : quiet + 1;
    if (quiet < 2) await delay(SETTLE_MS);
  }
});
