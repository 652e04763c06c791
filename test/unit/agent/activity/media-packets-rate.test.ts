import { describe, expect, it } from 'vitest';
import { judgeRates, type PacketCounts, type RateMemory, startRates } from '../../../../agent/activity/media-packets-rate.ts';

interface Spell {
  forS: number;
  out: number;
  in: number;
  everyS?: number;
}

/** What is said at each read, every two seconds, of packets per second each way. */
function hear(...spells: Spell[]): string[] {
  let memory: RateMemory | null = startRates(null, { out: 1_000, in: 1_000 }, 0);
  const exact: PacketCounts = { out: 1_000, in: 1_000 };
  let nowMs = 0;
  const said: string[] = [];
  for (const { forS, out, in: into, everyS = 2 } of spells) {
    for (let s = 0; s < forS; s += everyS) {
      nowMs += everyS * 1_000;
      exact.out += out * everyS;
      exact.in += into * everyS;
      memory = judgeRates(memory, { out: Math.floor(exact.out), in: Math.floor(exact.in) }, nowMs);
      said.push(memory.says);
    }
  }
  return said;
}

const call = { out: 50, in: 50 };
const silence = { out: 0, in: 0 };

describe('rates of media packets', () => {
  it('is a call at the first read that has something to compare with', () => {
    expect(hear({ ...call, forS: 4 })).toEqual(['on-call', 'on-call']);
  });

  it('is idle after seven quiet seconds, and not before', () => {
    expect(hear({ ...silence, forS: 12 })).toEqual(['unknown', 'unknown', 'unknown', 'idle', 'idle', 'idle']);
    expect(hear({ ...call, forS: 2 }, { ...silence, forS: 10 })).toEqual(['on-call', 'on-call', 'on-call', 'on-call', 'idle', 'idle']);
  });

  it.each([
    ['a pause of six seconds', { ...silence, forS: 6 }],
    ['silence without transmission, one packet every 400 ms both ways', { out: 2.5, in: 2.5, forS: 600 }],
    ['listening', { out: 2.5, in: 50, forS: 600 }],
    ['loss of half', { out: 50, in: 25, forS: 60 }],
  ])('a call goes on over %s', (_, spell) => {
    expect(new Set(hear({ ...call, forS: 4 }, spell, { ...call, forS: 4 }))).toEqual(new Set(['on-call']));
  });

  it.each([
    ['only out', { out: 50, in: 0 }],
    ['only in', { out: 0, in: 50 }],
    ['a rate of no call that was ever seen', { out: 10, in: 10 }],
    ['hardly an answer', { out: 50, in: 1 }],
  ])('%s is unknown, however long', (_, rates) => {
    expect(new Set(hear({ ...rates, forS: 120 }))).toEqual(new Set(['unknown']));
    expect(hear({ ...call, forS: 4 }, { out: 50, in: 0, forS: 4 }).slice(2)).toEqual(['unknown', 'unknown']);
  });

  it('a call whose answers stop and come back at a low rate is the call it was', () => {
    expect(hear({ ...call, forS: 2 }, { out: 50, in: 0, forS: 2 }, { out: 2.5, in: 2.5, forS: 2 })).toEqual([
      'on-call',
      'unknown',
      'on-call',
    ]);
  });

  it('connections that are kept without a call are idle', () => {
    expect(hear({ out: 0.8, in: 0.8, forS: 60 }).at(-1)).toBe('idle');
  });

  it('a burst ends idle until there have been seven quiet seconds again', () => {
    const said = hear({ ...silence, forS: 20 }, { out: 5, in: 5, forS: 2 }, { ...silence, forS: 10 });
    expect(said.slice(9)).toEqual(['idle', 'unknown', 'unknown', 'unknown', 'unknown', 'idle', 'idle']);
  });

  it('after a long time without a look, idle only if hardly a packet came in all of it', () => {
    expect(hear({ ...silence, forS: 600, everyS: 600 })).toEqual(['idle']);
    expect(hear({ out: 0.015, in: 0.015, forS: 600, everyS: 600 })).toEqual(['idle']);
    expect(hear({ out: 0.1, in: 0.1, forS: 600, everyS: 600 })).toEqual(['unknown']);
    expect(hear({ ...call, forS: 16, everyS: 16 })).toEqual(['unknown']);
  });

  it('counters or a clock that went back give nothing to compare with', () => {
    const before = startRates(null, { out: 100, in: 100 }, 10_000);
    expect(judgeRates(before, { out: 99, in: 500 }, 12_000).says).toBe('unknown');
    expect(judgeRates(before, { out: 500, in: 500 }, 9_000).says).toBe('unknown');
    const again = judgeRates(judgeRates(before, { out: 0, in: 0 }, 12_000), { out: 100, in: 100 }, 14_000);
    expect(again.says).toBe('on-call');
  });

  it('two reads in one second say the same', () => {
    const before = judgeRates(startRates(null, { out: 0, in: 0 }, 0), { out: 100, in: 100 }, 2_000);
    expect(judgeRates(before, { out: 100, in: 100 }, 2_900)).toBe(before);
  });

  it('forgets no call when the counters are made anew', () => {
    const seen = judgeRates(startRates(null, { out: 0, in: 0 }, 0), { out: 100, in: 100 }, 2_000);
    const anew = startRates(seen, { out: 0, in: 0 }, 4_000);
    expect(anew.says).toBe('on-call');
    const [once, again] = [6_000, 9_500].map((nowMs) => startRates(anew, { out: 0, in: 0 }, nowMs));
    expect([once?.says, again?.says]).toEqual(['on-call', 'unknown']);
    expect(judgeRates(anew, { out: 5, in: 5 }, 6_000).says).toBe('on-call');
  });
});
