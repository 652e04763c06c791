import { FleetFault } from '../http/fault.ts';

const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';

/** What a constraint of the database refuses is the caller's conflict. Its transaction is lost. */
export async function asConflict<T>(work: Promise<T>, detail: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === UNIQUE_VIOLATION || code === FOREIGN_KEY_VIOLATION) throw new FleetFault('conflict', detail);
    throw error;
  }
}
