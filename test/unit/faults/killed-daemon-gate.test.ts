import { describe, expect, it } from 'vitest';
import type { LogLine } from '../../e2e/gate/enforced-desk.ts';
import { type Attempt, type BlockedTime, type Life, openingsIn, shutIn } from '../../faults/killed-daemon-gate.ts';

const time: BlockedTime = { brokenMs: 10_000, criticalUntilMs: 12_000, mendedMs: 60_000 };
const life = (change: Partial<Life>): Life => {
  return { lines: [], startedMs: null, endedMs: 60_000, gateBefore: 'open', saidClosedMs: [], ...change };
};
const tried = (fromMs: number, ended: Attempt['ended']): Attempt => ({ what: 'tcp', fromMs, ended });
const line = (atMs: number, rest: Record<string, unknown>) => ({ at: new Date(atMs).toISOString(), ...rest }) as LogLine;
const egress = (state: string) => ({ event: 'enforcers', enforcers: [{ enforcer: 'egress', wanted: 'closed', state }] });

/** From when on the gate has to be shut. */
const rows: readonly [name: string, lives: Life[], attempts: Attempt[], fromMs: number | undefined][] = [
  ['nothing was said or seen', [life({})], [tried(11_000, 'through')], undefined],
  ['the agent was refused', [life({})], [tried(9_000, 'refused'), tried(11_000, 'through'), tried(13_000, 'refused')], 13_000],
  ['read back as closed', [life({ lines: [line(11_500, egress('degraded')), line(12_500, egress('confirmed'))] })], [], 12_500],
  ['said closed in the log', [life({ lines: [line(11_000, { event: 'gate', state: 'closed' })] })], [], 15_000],
  ['said closed to a user', [life({ saidClosedMs: [9_000, 11_000, 11_100] })], [], 15_000],
  ['said closed and was killed', [life({ saidClosedMs: [11_000], endedMs: 14_500 })], [], undefined],
  ['closed on the disk', [life({ gateBefore: 'closed', startedMs: 20_000 })], [], 27_000],
  ['closed on the disk, and killed again', [life({ gateBefore: 'closed', startedMs: 20_000, endedMs: 26_000 })], [], undefined],
  ['a critical rule for too short a time', [life({ startedMs: 5_000 })], [], undefined],
];

describe('when the gate must be shut', () => {
  it.each(rows)('%s', (_, lives, attempts, fromMs) => {
    expect(shutIn(time, lives, attempts)?.fromMs).toBe(fromMs);
  });

  it('a critical rule before a living daemon', () => {
    expect(shutIn({ ...time, criticalUntilMs: 30_000 }, [life({ startedMs: 20_000 })], [])?.fromMs).toBe(27_000);
  });

  it('finds what got through from then until it was mended', () => {
    const shut = shutIn(time, [life({})], [tried(13_000, 'refused')]);
    const attempts = [tried(12_000, 'through'), tried(14_000, 'silence'), tried(15_000, 'through'), tried(61_000, 'through')];
    expect(shut && openingsIn(shut, attempts)).toEqual([tried(15_000, 'through')]);
  });
});
