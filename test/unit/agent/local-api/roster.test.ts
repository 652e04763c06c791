import { describe, expect, it } from 'vitest';
import type { Connection } from '../../../../agent/local-api/connection.ts';
import { createRoster } from '../../../../agent/local-api/roster.ts';

const limits = { perUser: 3, total: 5, settledMs: 1_000 };
const ALICE = 1000;
const BOB = 1001;
const CAROL = 1002;

/** Connections of each user as [name, quiet for, has called]. */
function room(seats: Record<number, [string, number, boolean][]>) {
  const roster = createRoster(limits);
  const putOut: string[] = [];
  for (const [user, connections] of Object.entries(seats)) {
    for (const [name, quietMs, hasCalled] of connections) {
      const connection: Connection = {
        hasCalled: () => hasCalled,
        quietMs: () => quietMs,
        queuedBytes: () => 0,
        send: () => {},
        end: (code) => {
          expect(code).toBe('too-many-connections');
          putOut.push(name);
        },
        drop: () => {},
        destroy: () => {},
      };
      roster.add(Number(user), connection);
    }
  }
  return { roster, putOut };
}

describe('room for one more', () => {
  it.each<[string, Record<number, [string, number, boolean][]>, number, boolean, string[]]>([
    ['is there', { [ALICE]: [['a', 5_000, false]] }, ALICE, true, []],
    [
      'is made of the one that never called',
      {
        [ALICE]: [
          ['tray', 90_000, true],
          ['a', 2_000, false],
          ['b', 3_000, false],
        ],
      },
      ALICE,
      true,
      ['b'],
    ],
    [
      'is made of the longest quiet',
      {
        [ALICE]: [
          ['tray', 2_000, true],
          ['a', 3_000, true],
          ['b', 1_500, true],
        ],
      },
      ALICE,
      true,
      ['a'],
    ],
    [
      'is not made of one that called while others have not had their time',
      {
        [ALICE]: [
          ['tray', 90_000, true],
          ['a', 900, false],
          ['b', 800, false],
        ],
      },
      ALICE,
      false,
      [],
    ],
    [
      'is not made of those that have just come',
      {
        [ALICE]: [
          ['a', 900, false],
          ['b', 0, true],
          ['c', 10, true],
        ],
      },
      ALICE,
      false,
      [],
    ],
    [
      'in the whole is made by whoever has the most',
      {
        [ALICE]: [
          ['a', 2_000, true],
          ['b', 3_000, true],
          ['c', 1, true],
        ],
        [BOB]: [
          ['d', 80_000, false],
          ['e', 70_000, false],
        ],
      },
      CAROL,
      true,
      ['b'],
    ],
    [
      'in the whole is not made by the others of a crowd that is busy',
      {
        [ALICE]: [
          ['a', 0, true],
          ['b', 0, true],
          ['c', 0, true],
        ],
        [BOB]: [
          ['d', 80_000, false],
          ['e', 70_000, false],
        ],
      },
      CAROL,
      false,
      [],
    ],
  ])('%s', (_name, seats, uid, hasRoom, expected) => {
    const { roster, putOut } = room(seats);
    expect(roster.hasRoomFor(uid)).toBe(hasRoom);
    expect(putOut).toEqual(expected);
  });
});
