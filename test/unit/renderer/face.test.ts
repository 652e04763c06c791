import { describe, expect, it } from 'vitest';
import { answerKinds } from '../../../checks/texts/desk-answer.ts';
import { announce } from '../../../renderer/posture/model/announce.ts';
import { faceOf } from '../../../renderer/posture/model/face.ts';
import { at, desk, gate, NOW, type StateName, states, verdict } from '../../e2e/posture/desk-states.ts';

const table: [StateName, string, string, string[]][] = [
  ['clear', 'clear', 'go', []],
  ['caution', 'caution', 'care', []],
  ['countdown', 'countdown', 'care', []],
  ['countdown-observe', 'countdown', 'care', ['observe']],
  ['blocked', 'blocked', 'stop', []],
  ['drain-expired', 'drain-expired', 'stop', []],
  ['draining', 'draining', 'care', []],
  ['draining-unknown', 'draining', 'care', []],
  ['observe', 'would-block', 'care', ['observe']],
  ['undetermined', 'undetermined', 'ask', []],
  ['undetermined-closed', 'undetermined-closed', 'stop', []],
  ['released', 'released', 'care', []],
  ['first-look', 'first-look', 'wait', []],
  ['unreachable', 'not-shown', 'care', []],
  ['sign-in-refused', 'not-shown', 'care', []],
  ['closing-without-daemon', 'no-daemon', 'off', []],
  ['connecting', 'connecting', 'wait', []],
  ['no-daemon', 'no-daemon', 'off', []],
  ['reconnecting', 'clear', 'go', ['reconnecting']],
  ['not-the-daemon', 'not-the-daemon', 'off', []],
  ['not-enrolled', 'not-enrolled', 'off', []],
  ['not-enrolled-judged', 'would-block', 'care', ['not-enrolled']],
  ['pending', 'pending', 'wait', []],
  ['revoked', 'revoked', 'off', []],
];

describe('faceOf', () => {
  it.each(table)('%s', (state, kind, shape, notes) => {
    const { kind: gotKind, shape: gotShape, notes: gotNotes } = faceOf(states[state], NOW);
    expect([gotKind, gotShape, gotNotes]).toEqual([kind, shape, notes]);
  });

  it('is tried for every state and gives every kind', () => {
    expect(table.map(([state]) => state).sort()).toEqual(Object.keys(states).sort());
    expect(new Set(table.map(([, kind]) => kind))).toEqual(new Set(answerKinds));
  });

  it('trusts no verdict that has expired', () => {
    const stale = desk({ verdict: verdict('clear', { validUntil: at(-0.1) }) });
    expect(faceOf(stale, NOW).kind).toBe('undetermined');
  });

  it('shows nothing that an untrusted or silent service once said', () => {
    const { snapshot } = states.clear;
    expect(faceOf(desk(snapshot, { link: 'not-the-daemon' }), NOW).kind).toBe('not-the-daemon');
    expect(faceOf(desk(snapshot, { link: 'absent' }), NOW).kind).toBe('no-daemon');
  });

  it('says that the fleet is silent, and that IT has opened a desk which has become clear meanwhile', () => {
    const { fleet } = states.clear.snapshot ?? expect.unreachable();
    const lonely = desk({ fleet: { ...fleet, trouble: { code: 'offline', detail: '' } }, releasedUntil: at(20) });
    expect(faceOf(lonely, NOW)).toMatchObject({ kind: 'clear', notes: ['fleet-silent', 'released'] });
  });

  it('forgets a release and a countdown that are over', () => {
    const over = desk({ ...states.released.snapshot, releasedUntil: at(-1), gate: gate('closed', 'blocked') });
    expect(faceOf(over, NOW)).toMatchObject({ kind: 'blocked', at: null, notes: [] });
    const late = desk({ verdict: verdict('caution', { blocksAt: at(-1) }) });
    expect(faceOf(late, NOW)).toMatchObject({ kind: 'caution', at: null });
  });

  it('believes the gate where it acts: closed is closed, whatever the verdict has become', () => {
    expect(faceOf(desk({ verdict: verdict('clear'), gate: gate('closed', 'blocked') }), NOW).kind).toBe('blocked');
  });
});

describe('announce', () => {
  const face = (state: StateName) => faceOf(states[state], NOW);
  it('says nothing of the first answer, and nothing of the same one again', () => {
    expect(announce(null, face('blocked'))).toBeNull();
    expect(announce(face('blocked'), face('blocked'))).toBeNull();
  });
  it('interrupts for a block alone', () => {
    expect(announce(face('clear'), face('blocked'))?.how).toBe('assertive');
    expect(announce(face('blocked'), face('clear'))?.how).toBe('polite');
    expect(announce(face('clear'), face('countdown'))?.how).toBe('polite');
  });
  it('is silent where a countdown only moves', () => {
    expect(announce(face('countdown'), { ...face('countdown'), at: at(11) })).toBeNull();
  });
});
