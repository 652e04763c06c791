import { describe, expect, it } from 'vitest';
import { areSettling, isRenameDue } from '../../../../../agent/gate/browser-policy/rename-due.ts';

const S = 1_000;

/** The seconds at which a file written at `writtenS` is renamed anew, looked at every `everyS` up to `untilS`. */
function renames(startsS: readonly number[], writtenS: number, untilS: number, everyS = 1): number[] {
  let lastMs = writtenS * S;
  const at: number[] = [];
  for (let nowS = writtenS; nowS <= untilS; nowS += everyS) {
    const running = startsS.filter((startS) => startS <= nowS).map((startS) => ({ pid: startS, startedMs: startS * S }));
    if (!isRenameDue(running, lastMs, nowS * S)) continue;
    lastMs = nowS * S;
    at.push(nowS);
  }
  return at;
}

describe('isRenameDue', () => {
  const cases: [string, number[], number[]][] = [
    ['never while no browser runs', [], renames([], 0, 300)],
    ['at 5, 15, 30 and 60 s after a start, then every minute', [5, 15, 30, 60, 120, 180], renames([0], 0, 200)],
    ['not for marks that passed before the file was written', [60, 120], renames([0], 40, 150)],
    ['every minute beside a browser that has run for long', [1_060, 1_120], renames([0], 1_000, 1_150)],
    ['anew for a second browser', [1_060, 1_075, 1_085, 1_100, 1_130, 1_190], renames([0, 1_070], 1_000, 1_200)],
    ['at the next look, where looks are 7 s apart', [7, 21, 35, 63, 126], renames([0], 0, 130, 7)],
  ];
  it.each(cases)('%s', (_name, expected, actual) => {
    expect(actual).toEqual(expected);
  });

  it('takes a start that seems to lie ahead for none of long ago', () => {
    expect(isRenameDue([{ pid: 1, startedMs: 100 * S }], 0, 10 * S)).toBe(false);
  });
});

describe('areSettling', () => {
  it('ends with a rename a minute after the start', () => {
    const running = [{ pid: 1, startedMs: 10 * S }];
    expect([69, 70].map((s) => areSettling(running, s * S))).toEqual([true, false]);
    expect(areSettling([], 0)).toBe(false);
  });
});
