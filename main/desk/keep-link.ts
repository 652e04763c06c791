import type { DaemonLink } from '../../contracts/ipc.ts';
import type { LocalApiClient } from '../../contracts/local-link/connect.ts';
import type { After } from '../../contracts/local-link/link.ts';
import { LinkFault } from '../../contracts/local-link/link-fault.ts';
import { linkWithout, retryDelayMs, staysForMs } from './link-state.ts';

/** Signs can come as fast as somebody touches files. */
const MIN_GAP_MS = 200;
/** A daemon that does not last this long has not come back: else one that falls over at once is asked without end. */
const LASTING_MS = 5_000;

export interface KeepLinkPorts {
  /** Rejects with a `LinkFault`. */
  connect(): Promise<LocalApiClient>;
  /** The first talk; the link counts once it is over, and not when it rejects (with a `LinkFault`). */
  greet(client: LocalApiClient): Promise<void>;
  /** Until it is stopped, tells of anything that may mean a daemon: what it says need not be so. */
  watchForDaemon(onSign: () => void): () => void;
  /** Told again for each failure, the same link too. */
  onWithout(link: DaemonLink, why: LinkFault): void;
  after: After;
  monotonicMs(): number;
  random(): number;
}

export interface KeptLink {
  /** Null while there is none. */
  client(): LocalApiClient | null;
  /** Looks now, whatever was waited for. */
  wake(): void;
  stop(): void;
}

/** One connection to the daemon, made again whenever it is lost. At any time there is one attempt, or one wait with one watch. */
export function keepLink(ports: KeepLinkPorts): KeptLink {
  const { connect, greet, watchForDaemon, onWithout, after, monotonicMs, random } = ports;
  const startedMs = monotonicMs();
  let lostMs: number | null = null;
  let failures = 0;
  let triedMs = Number.NEGATIVE_INFINITY;
  let isTrying = false;
  let isStopped = false;
  let live: LocalApiClient | null = null;
  let stopWaiting = () => {};

  const waitFor = (ms: number) => {
    stopWaiting();
    const stopTimer = after(ms, attempt);
    let stopSoon = () => {};
    const stopWatch = watchForDaemon(() => {
      stopSoon();
      stopSoon = after(Math.max(0, triedMs + MIN_GAP_MS - monotonicMs()), attempt);
    });
    stopWaiting = () => {
      stopTimer();
      stopSoon();
      stopWatch();
    };
  };

  const without = (why: LinkFault) => {
    if (isStopped) return;
    const past = { startedMs, lostMs };
    const nowMs = monotonicMs();
    onWithout(linkWithout(why.code, past, nowMs), why);
    waitFor(Math.min(retryDelayMs(failures, random()), staysForMs(past, nowMs)));
    failures += 1;
  };

  const lose = (client: LocalApiClient, sinceMs: number, why: LinkFault) => {
    if (live !== client) return;
    live = null;
    lostMs = monotonicMs();
    if (lostMs - sinceMs >= LASTING_MS) failures = 0;
    without(why);
  };

  const attempt = async () => {
    if (isTrying || live || isStopped) return;
    stopWaiting();
    isTrying = true;
    triedMs = monotonicMs();
    let client: LocalApiClient | null = null;
    let failure: LinkFault | null = null;
    try {
      client = await connect();
      await greet(client);
    } catch (error) {
      client?.close();
      failure = error instanceof LinkFault ? error : new LinkFault('closed', String(error));
    }
    isTrying = false;
    if (isStopped) return client?.close();
    if (failure || !client) return without(failure ?? new LinkFault('closed', 'no connection'));
    const made = client;
    const sinceMs = monotonicMs();
    live = made;
    void made.closed.then((why) => lose(made, sinceMs, why));
  };

  void attempt();
  return {
    client: () => live,
    wake() {
      failures = 0;
      void attempt();
    },
    stop() {
      isStopped = true;
      stopWaiting();
      live?.close();
      live = null;
    },
  };
}
