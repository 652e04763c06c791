import { setMaxListeners } from 'node:events';
import process from 'node:process';

/** Probes heed the abort within milliseconds; whoever waits longer than this has been asked politely enough. */
const PATIENCE_MS = 1_000;
/** The daemon writes down what it knows and lets its enforcers finish; its unit allows 30 s. */
export const DAEMON_PATIENCE_MS = 25_000;

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

export interface Interruption {
  readonly signal: AbortSignal;
  /** Exit status once interrupted. */
  exitCode(): number | null;
}

/** The first Ctrl-C or SIGTERM asks the run to end, the second ends the process at once. */
export function listenForInterruption(patienceMs = PATIENCE_MS): Interruption {
  const controller = new AbortController();
  // Every probe listens for the end of the run.
  setMaxListeners(0, controller.signal);
  let code: number | null = null;
  for (const [name, status] of Object.entries(exitCodes)) {
    process.on(name, () => {
      if (code !== null) process.exit(status);
      code = status;
      // Listeners restore the terminal within this call.
      controller.abort();
      setTimeout(() => process.exit(status), patienceMs).unref();
    });
  }
  return { signal: controller.signal, exitCode: () => code };
}
