import { setTimeout as sleep } from 'node:timers/promises';

export interface OpenCalls {
  begin(call: object): void;
  /** Answered or refused, and recorded. */
  end(call: object): void;
  /** Once none is open: a caller who goes away ends his connection, and not what was begun for him. */
  settled(): Promise<void>;
}

const LOOK_MS = 10;
/** Longer than any transaction may take. */
const LONGEST_MS = 35_000;

export function openCalls(): OpenCalls {
  const open = new Set<object>();
  return {
    begin: (call) => void open.add(call),
    end: (call) => void open.delete(call),
    async settled() {
      for (let waited = 0; open.size > 0 && waited < LONGEST_MS; waited += LOOK_MS) await sleep(LOOK_MS);
    },
  };
}
