import { setTimeout as sleep } from 'node:timers/promises';
import { failureOf } from '../db/failure.ts';
import { faultOf } from './store-fault.ts';

/** Two batches that the database let run into one another do not do so for ever. */
const MAX_TRIES = 4;
const PAUSE_MS = 20;

export type Written<Outcome> = { ok: true; outcome: Outcome } | { ok: false; fault: unknown };

/**
 * Writes a batch whole. Where something in it cannot be stored, halves it until that one stands alone: its neighbours are stored
 * all the same, at the price of one more transaction for each halving.
 */
export async function writeBatch<Item, Outcome>(
  items: readonly Item[],
  write: (items: readonly Item[]) => Promise<readonly Outcome[]>,
  onRetry: (error: unknown) => void,
): Promise<Written<Outcome>[]> {
  for (let tries = 1; ; tries++) {
    try {
      return (await write(items)).map((outcome) => ({ ok: true, outcome }));
    } catch (error) {
      const failure = failureOf(error);
      if (failure === 'again' && tries < MAX_TRIES) {
        onRetry(error);
        await sleep(PAUSE_MS * tries * tries);
        continue;
      }
      if (failure !== 'data' || items.length <= 1) {
        const fault = faultOf(error);
        return items.map(() => ({ ok: false, fault }));
      }
      onRetry(error);
      const middle = Math.ceil(items.length / 2);
      const first = await writeBatch(items.slice(0, middle), write, onRetry);
      return [...first, ...(await writeBatch(items.slice(middle), write, onRetry))];
    }
  }
}
