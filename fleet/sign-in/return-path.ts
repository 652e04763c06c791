/** The console's own pages: a path of plain segments, without an escape that somebody could read as a host or as going up. */
const inside =
  /^\/(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,9}\/?)?(?:\?[A-Za-z0-9._~=&%,:-]{1,500})?$/;

export const HOME = '/';

/** A path of the console as it was asked for; null where it is anything else. */
export function returnPath(asked: string): string | null {
  // A page, never a call: a GET there may sign somebody out one day.
  return inside.test(asked) && !asked.startsWith('/api/') && !asked.startsWith('/device/') ? asked : null;
}
