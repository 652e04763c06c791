import { Worker } from 'node:worker_threads';
import { FleetFault } from '../../http/fault.ts';
import type { Numbered, SigningAnswer, SigningJob, SigningResults } from './signing-job.ts';

/** Of one job with all that wait before it: a job takes about 5 ms, a thread that begins about a second. */
const JOB_MS = 15_000;
/** More than this would wait for longer than desks do. */
const MOST_WAITING = 1_000;
/** A request that makes forge eat memory ends the thread, not the server. */
const MOST_HEAP_MB = 128;
const RETRY_AFTER_SEC = 15;

export interface SignerOptions {
  /** `signing-worker.ts`, or what it was bundled to. */
  entry: URL;
  execArgv: readonly string[];
  jobMs?: number;
}

/** Forge's work, off the event loop. */
export interface Signer {
  /** Rejects with `unavailable` when the thread died, hung, or has too much to do: the desk comes again. */
  run<K extends SigningJob['kind']>(job: Extract<SigningJob, { kind: K }>): Promise<SigningResults[K]>;
  close(): Promise<void>;
}

interface Waiting {
  settle(value: unknown): void;
  fail(error: Error): void;
}

/** The thread begins with the first job, and again after it died. */
export function createSigner({ entry, execArgv, jobMs = JOB_MS }: SignerOptions): Signer {
  let current: Worker | null = null;
  let lastId = 0;
  let isClosed = false;
  const waiting = new Map<number, Waiting>();

  function start(): Worker {
    const worker = new Worker(entry, { execArgv: [...execArgv], resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MB } });
    worker.on('message', (answer: SigningAnswer) => {
      const one = waiting.get(answer.id);
      if ('value' in answer) one?.settle(answer.value);
      else one?.fail(new Error(`a certificate could not be written: ${answer.error}`));
    });
    const end = (cause?: unknown) => {
      if (current === worker) abandon('the thread that signs has ended', cause);
    };
    worker.on('error', end);
    worker.on('exit', () => end());
    // Whoever waits holds a timer; the thread alone keeps nobody alive.
    worker.unref();
    return worker;
  }

  function abandon(why: string, cause?: unknown): void {
    const worker = current;
    current = null;
    void worker?.terminate();
    for (const one of [...waiting.values()]) one.fail(Object.assign(unavailable(why), cause === undefined ? {} : { cause }));
  }

  return {
    run(job) {
      if (isClosed) return Promise.reject(unavailable('this server stops'));
      if (waiting.size >= MOST_WAITING) return Promise.reject(unavailable('too many certificates are wanted at once'));
      current ??= start();
      const worker = current;
      lastId += 1;
      const id = lastId;
      return new Promise((resolve, reject) => {
        const ended = () => {
          clearTimeout(timer);
          waiting.delete(id);
        };
        const timer = setTimeout(() => {
          // It hangs in one job, which cannot be told from here: all that wait come again.
          if (current === worker) abandon('the thread that signs took too long');
        }, jobMs);
        waiting.set(id, {
          settle(value) {
            ended();
            resolve(value as never);
          },
          fail(error) {
            ended();
            reject(error);
          },
        });
        worker.postMessage({ id, job } satisfies Numbered);
      });
    },
    async close() {
      isClosed = true;
      const worker = current;
      abandon('this server stops');
      await worker?.terminate();
    },
  };
}

function unavailable(why: string): FleetFault {
  return new FleetFault('unavailable', why, { retryAfterSec: RETRY_AFTER_SEC });
}
