import { describe, expect, it } from 'vitest';
import { deskOf, isStale, labId, parseLabName, parseStat, siteOf } from '../../lab/lab-name.ts';

const stat = (state: string, startTime: number) =>
  `4711 (a (very) odd name) ${state} 1 4711 4711 0 -1 4194560 ${'0 '.repeat(12)}${startTime} 0 0`;

describe('a name of a lab', () => {
  const name = { pid: 4711, startTime: '184840', number: 2 };

  it.each([labId(name), deskOf(labId(name)), siteOf(labId(name))])('%s is read back', (text) => {
    expect(parseLabName(text)).toEqual(name);
  });

  it.each(['dw-1-2', 'dw-1-2-3-router', 'dw-x-2-3', 'xdw-1-2-3', 'dw-1-2-3-desk-old', ''])('"%s" is not one', (text) => {
    expect(parseLabName(text)).toBeNull();
  });
});

describe('the owner of a lab', () => {
  const name = { pid: 4711, startTime: '184840', number: 1 };

  it.each([
    ['runs', stat('S', 184_840), false],
    ['has ended', null, true],
    ['is a zombie', stat('Z', 184_840), true],
    ['had a pid that now is another process', stat('R', 184_841), true],
    ['cannot be read', 'nonsense', true],
  ])('that %s', (_, text, stale) => {
    expect(isStale(name, text)).toBe(stale);
  });

  it('may have spaces and parentheses in its name', () => {
    expect(parseStat(stat('S', 99))).toEqual({ state: 'S', parent: 1, startTime: '99' });
  });
});
