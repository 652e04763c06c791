import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { NameCode } from '../../checks/network/observations.ts';
import { nameCodeOf } from './fail-kind.ts';

export interface LookupQuestion {
  id: number;
  name: string;
  family: 4 | 6;
}

export type LookupAnswer = 'ready' | { id: number; code: string | null; addresses: string[] };

export interface SystemAnswer {
  code: NameCode;
  addresses: string[];
}

export interface Asked {
  /** The child runs, or will never answer. */
  ready: Promise<void>;
  /** Null when the operating system did not answer in time, or could not be asked. */
  answer: Promise<SystemAnswer | null>;
}

export interface SystemLookup {
  ask(name: string, family: 4 | 6): Asked;
  close(): Promise<void>;
}

/** libuv's default of 4 threads is used up by four lookups that hang. */
const LOOKUP_THREADS = '64';

/** A child that was killed for hanging is replaced this often; after that the system is not asked any more. */
const MOST_CHILDREN = 4;

/** SIGKILL takes effect in microseconds; this only bounds the wait for a process that the kernel cannot end. */
const CHILD_EXIT_MS = 1_000;

interface Child {
  process: ChildProcess;
  ready: Promise<void>;
  pending: Map<number, (answer: SystemAnswer | null) => void>;
  late: boolean;
  end(): void;
}

export interface SystemLookupOptions {
  entry: URL;
  execArgv: readonly string[];
  /** Windows finds no resolver without its SystemRoot. */
  env: Readonly<Record<string, string | undefined>>;
  deadlineMs: number;
}

export function createSystemLookup(options: SystemLookupOptions): SystemLookup {
  let current: Child | null = null;
  let started = 0;
  let usable = true;
  let lastId = 0;
  const exits = new Set<Promise<void>>();

  const start = (): Child | null => {
    if (current) return current;
    if (!usable || started >= MOST_CHILDREN) return null;
    started += 1;
    try {
      current = launch();
    } catch {
      usable = false;
    }
    return current;
  };

  const launch = (): Child => {
    const child = fork(fileURLToPath(options.entry), [], {
      execArgv: [...options.execArgv],
      env: { ...options.env, UV_THREADPOOL_SIZE: LOOKUP_THREADS },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const pending: Child['pending'] = new Map();
    let setReady: () => void = () => {};
    const ready = new Promise<void>((resolve) => {
      setReady = resolve;
    });
    let wasReady = false;
    const end = () => {
      if (current === made) current = null;
      // A child that never came up would not come up the next time either.
      if (!wasReady) usable = false;
      setReady();
      for (const settle of [...pending.values()]) settle(null);
      child.kill('SIGKILL');
    };
    const made: Child = { process: child, ready, pending, late: false, end };
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    }).then(() => {
      exits.delete(exited);
      end();
    });
    exits.add(exited);
    child.on('error', end);
    child.on('message', (message: LookupAnswer) => {
      if (message === 'ready') {
        wasReady = true;
        setReady();
        return;
      }
      const { id, code, addresses } = message;
      pending.get(id)?.({ code: code === null ? 'ok' : nameCodeOf({ code }), addresses });
    });
    // Whoever waits for an answer holds a timer; the child alone keeps nobody alive.
    child.unref();
    child.channel?.unref();
    return made;
  };

  const ask = (name: string, family: 4 | 6): Asked => {
    const child = start();
    if (!child) return { ready: Promise.resolve(), answer: Promise.resolve(null) };
    lastId += 1;
    const id = lastId;
    const answer = new Promise<SystemAnswer | null>((resolve) => {
      const settle = (value: SystemAnswer | null) => {
        clearTimeout(timer);
        child.pending.delete(id);
        resolve(value);
        // Only once nobody else waits for it: one name that hangs must not cost the others their answers.
        if (child.late && child.pending.size === 0 && current === child) child.end();
      };
      const timer = setTimeout(() => {
        child.late = true;
        settle(null);
      }, options.deadlineMs);
      child.pending.set(id, settle);
      child.process.send({ id, name, family } satisfies LookupQuestion, (error) => {
        if (error) settle(null);
      });
    });
    return { ready: child.ready, answer };
  };

  return {
    ask,
    async close() {
      usable = false;
      current?.end();
      let timer: NodeJS.Timeout | undefined;
      const tooLong = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CHILD_EXIT_MS);
      });
      await Promise.race([Promise.all(exits), tooLong]);
      clearTimeout(timer);
    },
  };
}
