import { z } from 'zod';
import { FleetFault } from '../http/fault.ts';

/** PostgreSQL knows no year 0. */
export const CursorTime = z.iso.datetime().regex(/^(?!0000)/);

/** Where a list goes on; opaque to whoever hands it back. */
export function writeCursor(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

export function readCursor<S extends z.ZodType>(shape: S, after: string | undefined): z.output<S> | null {
  if (after === undefined) return null;
  try {
    return shape.parse(JSON.parse(Buffer.from(after, 'base64url').toString('utf8')));
  } catch {
    throw new FleetFault('bad-request', 'expected what an answer gave as `next`', { path: 'after' });
  }
}
