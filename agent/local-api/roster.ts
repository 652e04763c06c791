import type { Connection } from './connection.ts';
import type { LocalApiLimits } from './limits.ts';

/** Who is connected, by user. */
export interface Roster {
  /** Makes room where there is none, and says whether there is. */
  hasRoomFor(uid: number): boolean;
  add(uid: number, connection: Connection): void;
  remove(uid: number, connection: Connection): void;
  of(uid: number): Connection[];
  all(): Connection[];
}

/**
 * A user fills his own share only: for room in the whole, whoever has the most connections gives one up. Within a user those
 * that never called go first, then the one that was quiet the longest. One that has just come, or waits for an answer, stays, and
 * nobody who called goes while there are some who did not: a crowd that says nothing takes no place from who does.
 */
export function createRoster(limits: Pick<LocalApiLimits, 'perUser' | 'total' | 'settledMs'>): Roster {
  const byUser = new Map<number, Set<Connection>>();
  const of = (uid: number) => [...(byUser.get(uid) ?? [])];
  const all = () => [...byUser.keys()].flatMap(of);

  const putOutOne = (connections: readonly Connection[]): boolean => {
    const strangers = connections.filter((connection) => !connection.hasCalled());
    const [first] = (strangers.length > 0 ? strangers : connections)
      .filter((connection) => connection.quietMs() >= limits.settledMs)
      .sort((a, b) => b.quietMs() - a.quietMs());
    first?.end('too-many-connections', { code: 'busy', detail: 'a newer connection needs the room' });
    return first !== undefined;
  };

  return {
    hasRoomFor(uid) {
      const own = of(uid);
      if (own.length >= limits.perUser) return putOutOne(own);
      if (all().length < limits.total) return true;
      const [crowd] = [...byUser.values()].sort((a, b) => b.size - a.size);
      return putOutOne([...(crowd ?? [])]);
    },
    add(uid, connection) {
      const connections = byUser.get(uid) ?? new Set();
      byUser.set(uid, connections.add(connection));
    },
    remove(uid, connection) {
      const connections = byUser.get(uid);
      connections?.delete(connection);
      if (connections?.size === 0) byUser.delete(uid);
    },
    of,
    all,
  };
}
