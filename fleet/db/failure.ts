import { NothingCommitted } from './pool.ts';

/**
 * What a failure of the database means for what was to be written. `data`: something in it cannot be stored, and its neighbours may
 * be. `again`: nothing was wrong with it. `away`: nobody knows whether it was committed, which only who asked can find out.
 */
export type DatabaseFailure = 'data' | 'again' | 'away' | 'ours';

export function failureOf(error: unknown): DatabaseFailure {
  if (error instanceof NothingCommitted) return 'away';
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string') return isConnectionLoss(error) ? 'away' : 'ours';
  // 40: serialisation, deadlock. 55P03: a lock was not to be had in time.
  if (/^40/.test(code) || code === '55P03') return 'again';
  // 22: a value out of range, 23: a constraint, P0: a trigger.
  if (/^(22|23|P0)/.test(code)) return 'data';
  // Of the system: EPIPE, ECONNREFUSED. Not Node's own, such as ERR_INVALID_ARG_TYPE.
  return /^(08|53|57|58|E[A-Z]+$)/.test(code) ? 'away' : 'ours';
}

/** node-postgres says these without a code. */
function isConnectionLoss(error: unknown): boolean {
  return (
    error instanceof Error &&
    /connection (terminated|ended|closed)|timeout exceeded when trying to connect|not queryable/i.test(error.message)
  );
}
