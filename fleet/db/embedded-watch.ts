import { setTimeout as delay } from 'node:timers/promises';
import { adoptOrStart, type Running, type ServerPlace } from './embedded-server.ts';
import { isAlive, type Processes } from './process-life.ts';

/** Calls fail until then; a server that was adopted tells nobody of its end. */
const LOOK_MS = 250;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** Starts the server again whenever it is gone. The result ends that, and resolves once nothing is being started. */
export function keepRunning(place: ServerPlace, first: Running, processes: Processes, say: (line: string) => void): () => Promise<void> {
  const stop = new AbortController();
  const ended = watch(place, first, processes, say, stop.signal);
  return () => {
    stop.abort();
    return ended;
  };
}

async function watch(
  place: ServerPlace,
  first: Running,
  processes: Processes,
  say: (line: string) => void,
  stop: AbortSignal,
): Promise<void> {
  let { pid } = first;
  let pauseMs = FIRST_PAUSE_MS;
  while (await pause(LOOK_MS, stop)) {
    if (await isAlive(pid, processes)) continue;
    say(`PostgreSQL, process ${pid}, is gone: starting it again`);
    try {
      ({ pid } = await adoptOrStart(place, processes));
      pauseMs = FIRST_PAUSE_MS;
      say(`PostgreSQL runs again, process ${pid}`);
    } catch (error) {
      say(`${error instanceof Error ? error.message : String(error)}; trying again in ${pauseMs / 1_000} s`);
      await pause(pauseMs, stop);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}

/** False once it was stopped. Keeps no process alive by itself. */
function pause(ms: number, stop: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal: stop, ref: false }).catch(() => false);
}
