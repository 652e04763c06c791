import { type Dialect, PostgresDialect, type PostgresPoolClient } from 'kysely';
import pg from 'pg';

export interface PoolOptions {
  url: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  max?: number;
  statementTimeoutMs?: number;
  /** A connection that broke while nobody used it: said, since the pool replaces it by itself. */
  onError(error: Error): void;
}

/** Enough for two cores; a waiting call costs less than one more backend. */
const MAX_CONNECTIONS = 10;
/** A call that the console waits for is long given up; the preview and the retention job work in pieces. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** Shorter than the statement's, so that the error names the lock. */
const LOCK_TIMEOUT_MS = 10_000;
/** A process that froze in a transaction must not hold its locks and the horizon of vacuum. */
const IDLE_IN_TRANSACTION_MS = 60_000;
/** Covers a server that starts again; a pool without a free connection for longer is overload, and said so. */
const CONNECT_TIMEOUT_MS = 10_000;

export function openPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.max ?? MAX_CONNECTIONS,
    statement_timeout: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types: { getTypeParser },
  });
  // Without a listener a connection that the server closes would end this process.
  pool.on('error', (error) => {
    // A pool that ends does not wait for the server to hear of it: that its database stops right after is no fault.
    if (!pool.ending) options.onError(error);
  });
  // Nor may one that is cut between two statements of a transaction, to which the pool does not listen: the next one fails.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

const INT8 = 20;
const DATE = 1082;

function getTypeParser(oid: number, format?: string): (value: string) => unknown {
  if (format !== 'binary' && oid === INT8) return safeInteger;
  // A day is a day: as a Date it would move with this machine's time zone.
  if (format !== 'binary' && oid === DATE) return (value) => value;
  return pg.types.getTypeParser(oid, format === 'binary' ? 'binary' : 'text');
}

/** `bigint` columns hold counters of ours, which stay below 2^53; a larger number is a fault and never rounded. */
function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is outside of what a number holds exactly`);
  return value;
}

/** PostgreSQL answers `commit` of a failed transaction by rolling back, without an error: nothing may be acknowledged then. */
export class NothingCommitted extends Error {
  constructor() {
    super('the transaction had failed before its commit, so that the database rolled it back');
  }
}

export function dialectOf(pool: pg.Pool): Dialect {
  return new PostgresDialect({ pool: { connect: async () => guarded(await pool.connect()), end: () => pool.end() } });
}

function guarded(client: pg.PoolClient): PostgresPoolClient {
  let released = false;
  const query = async (text: string, parameters: readonly unknown[]) => {
    // By then the connection may work for another tenant.
    if (released) throw new Error('this transaction has ended');
    const result = await client.query(text, [...parameters]);
    if (text === 'commit' && result.command !== 'COMMIT') throw new NothingCommitted();
    return result;
  };
  const release = () => {
    released = true;
    client.release();
  };
  // Kysely asks for cursors too where it is given their module, which it is not.
  return { query, release } as unknown as PostgresPoolClient;
}
