export interface BatcherSettings<Item, Outcome> {
  /** Stores the items together and answers each, in their order. Rejecting is everybody's answer. */
  run(scope: string, items: readonly Item[]): Promise<readonly Outcome[]>;
  maxWaiting: number;
  maxWaitingBytes: number;
  maxBatch: number;
  /** Batches at a time, each with a connection to the database. */
  maxInFlight: number;
  /** How long the first waits for others while nothing else is in flight. */
  lingerMs: number;
}

export interface Entry<Item> {
  /** Items of one scope share a batch: tenant and instance. */
  scope: string;
  /** Items of one lane keep their order: one at a time, never two in a batch. A device. */
  lane: string;
  bytes: number;
  item: Item;
}

export interface Batcher<Item, Outcome> {
  /** Null when there is no room: nothing is kept then. */
  submit(entry: Entry<Item>): Promise<Outcome> | null;
  waiting(): number;
  /** Resolves once all that was taken in is answered. */
  drained(): Promise<void>;
}

interface Waiting<Item, Outcome> extends Entry<Item> {
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

/** Gathers what comes while earlier batches are being written, so that batches grow with the load and memory does not. */
export function createBatcher<Item, Outcome>(settings: BatcherSettings<Item, Outcome>): Batcher<Item, Outcome> {
  const { run, maxWaiting, maxWaitingBytes, maxBatch, maxInFlight, lingerMs } = settings;
  /** By scope; a scope that was served goes to the end, so that a large tenant does not starve a small one. */
  const queues = new Map<string, Waiting<Item, Outcome>[]>();
  const busy = new Set<string>();
  let count = 0;
  let bytes = 0;
  let inFlight = 0;
  let timer: NodeJS.Timeout | undefined;
  let idle: (() => void)[] = [];

  function take(): { scope: string; batch: Waiting<Item, Outcome>[] } | null {
    for (const [scope, queue] of queues) {
      const batch: Waiting<Item, Outcome>[] = [];
      const rest: Waiting<Item, Outcome>[] = [];
      for (const one of queue) {
        if (batch.length >= maxBatch || busy.has(one.lane)) rest.push(one);
        else {
          busy.add(one.lane);
          batch.push(one);
        }
      }
      if (batch.length === 0) continue;
      queues.delete(scope);
      if (rest.length > 0) queues.set(scope, rest);
      return { scope, batch };
    }
    return null;
  }

  function start(): void {
    clearTimeout(timer);
    timer = undefined;
    while (inFlight < maxInFlight) {
      const next = take();
      if (next === null) return;
      inFlight += 1;
      void write(next.scope, next.batch);
    }
  }

  async function write(scope: string, batch: Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await run(
        scope,
        batch.map(({ item }) => item),
      );
      for (const [index, one] of batch.entries()) {
        const outcome = outcomes[index];
        if (outcome === undefined) one.reject(new Error('a batch without an answer for each of its items'));
        else one.resolve(outcome);
      }
    } catch (error) {
      for (const one of batch) one.reject(error);
    }
    for (const one of batch) {
      busy.delete(one.lane);
      count -= 1;
      bytes -= one.bytes;
    }
    inFlight -= 1;
    start();
    if (count > 0) return;
    for (const resolve of idle) resolve();
    idle = [];
  }

  return {
    submit(entry) {
      if (count >= maxWaiting || bytes + entry.bytes > maxWaitingBytes) return null;
      count += 1;
      bytes += entry.bytes;
      return new Promise((resolve, reject) => {
        const queue = queues.get(entry.scope) ?? [];
        queues.set(entry.scope, queue);
        queue.push({ ...entry, resolve, reject });
        if (queue.length >= maxBatch) start();
        else if (inFlight < maxInFlight) timer ??= setTimeout(start, lingerMs);
      });
    },
    waiting: () => count,
    drained: () => (count === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve))),
  };
}
