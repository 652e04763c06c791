import { Kysely, sql, type Transaction } from 'kysely';
import { dialectOf, openPool, type PoolOptions } from './pool.ts';
import type { Tables } from './tables.ts';

/** The whole tenant where an instance stands, the whole deployment where a tenant stands. */
export const NIL_ID = '00000000-0000-0000-0000-000000000000';

export interface Scope {
  tenant: string;
  /** Only rows of this instance and of the whole tenant. */
  instance?: string;
  /** SHA-256 of a secret that was shown: makes the row of that secret visible, whosever it is. */
  presented?: Uint8Array;
}

export type Tx = Transaction<Tables>;

export interface Db {
  /** One transaction that sees the scope's rows and no others. Rolls back when `work` throws; resolves after the commit. */
  within<T>(scope: Scope, work: (tx: Tx) => Promise<T>): Promise<T>;
  tenants(): Promise<{ id: string; slug: string }[]>;
  end(): Promise<void>;
}

export function openDb(options: PoolOptions): Db {
  const kysely = new Kysely<Tables>({ dialect: dialectOf(openPool(options)) });
  return {
    within: (scope, work) => {
      const settings = settingsOf(scope);
      return kysely.transaction().execute(async (tx) => {
        await settings.execute(tx);
        return work(tx);
      });
    },
    tenants: () => kysely.selectFrom('tenant').select(['id', 'slug']).orderBy('slug').execute(),
    end: () => kysely.destroy(),
  };
}

/**
 * Goes on in another scope inside of the same transaction. For a call that learns only on its way whose it is: with a second
 * transaction of its own each such call would hold two connections, and as many calls as there are connections would wait for ever.
 */
export async function enter(tx: Tx, scope: Scope): Promise<void> {
  await settingsOf(scope).execute(tx);
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const SHA256_BYTES = 32;

function settingsOf({ tenant, instance, presented }: Scope) {
  if (!uuid.test(tenant)) throw new TypeError('a scope needs the UUID of its tenant');
  if (instance !== undefined && !uuid.test(instance)) throw new TypeError("the scope's instance is no UUID");
  if (presented && presented.length !== SHA256_BYTES) throw new TypeError("the scope's presented secret is no SHA-256");
  // All three, always: what is not asked for is empty, and empty shows nothing.
  return sql`select set_config('deskwarden.tenant', ${tenant}, true), set_config('deskwarden.instance', ${instance ?? ''}, true),
    set_config('deskwarden.presented', ${presented ? Buffer.from(presented).toString('hex') : ''}, true)`;
}
