import { z } from 'zod';
import { FleetFault } from '../http/fault.ts';

/** Where a list that begins with the newest goes on: after this one. */
export interface Mark {
  at: Date;
  id: string;
}

/** The last instant that a Date can tell. */
const LAST_MS = 8.64e15;

/** `Id`: of which form the ids of the list are; the database is asked with nothing else. */
export function readMark(after: string | undefined, Id: z.ZodType<string> = z.uuid()): Mark | null {
  if (after === undefined) return null;
  try {
    const Marked = z.tuple([z.int().min(0).max(LAST_MS), Id]);
    const [ms, id] = Marked.parse(JSON.parse(Buffer.from(after, 'base64url').toString('utf8')));
    return { at: new Date(ms), id };
  } catch {
    throw new FleetFault('bad-request', 'expected what an answer gave as `next`', { path: 'query.after' });
  }
}

/** One row more than was asked for tells that the list goes on. */
export function pageOf<R, T>(rows: readonly R[], limit: number, markOf: (row: R) => Mark, entryOf: (row: R) => T) {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const mark = rows.length > limit && last !== undefined ? markOf(last) : null;
  const next = mark && Buffer.from(JSON.stringify([mark.at.getTime(), mark.id])).toString('base64url');
  return { items: shown.map(entryOf), next };
}
