import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../../../contracts/local-api.ts';
import { MEDIA_SETTLES_MS } from '../../../../main/ccp/own-call.ts';
import { at, gate, observing, snapshot, view } from '../view.ts';
import { atWork } from './at-work.ts';

describe('without the daemon', () => {
  const HOUR_MS = 3_600_000;
  const { policy } = snapshot();
  const idle = { activity: 'idle' as const, byPrivileged: true, sources: [] };
  type Loss = typeof policy.gate;
  const told = (onAgentLoss: Loss['onAgentLoss'], more: Partial<Snapshot> = {}) => ({
    policy: { ...policy, gate: { onAgentLoss, maxDrainMs: HOUR_MS } },
    ...more,
  });
  function lost(given: Partial<Snapshot>, link: 'absent' | 'not-the-daemon' = 'absent') {
    const work = atWork(view(given));
    const lose = () => {
      work.window.follow(view(given, { link: 'reconnecting' }));
      work.time.pass(30_000);
      work.window.follow(view(given, { link }));
    };
    return { ...work, lose };
  }

  it('opens what was closed where the policy says so, once a restart would be over', () => {
    const { window, windows, did, lose, time } = lost(told('open', { gate: gate('closed') }));
    window.follow(view(told('open', { gate: gate('closed') }), { link: 'reconnecting' }));
    time.pass(29_999);
    expect(windows()).toEqual(['blocked']);
    lose();
    expect(windows()).toEqual(['ccp']);
    expect(did()).toContain('acknowledge open');
    expect(window.isShut()).toBe(false);
    window.follow(view(told('open', { gate: gate('closed') })));
    expect(windows()).toEqual(['blocked']);
  });

  it('leaves it closed to whoever answers in its place', () => {
    const { windows, lose } = lost(told('open', { gate: gate('closed') }), 'not-the-daemon');
    lose();
    expect(windows()).toEqual(['blocked']);
  });

  it.each(['absent', 'not-the-daemon'] as const)('closes where the policy says so and nothing is on: %s', (link) => {
    const { window, windows, did, lose } = lost(told('closed', { activity: idle }), link);
    lose();
    expect(windows()).toEqual(['blocked']);
    expect(did().at(-1)).toBe('acknowledge closed');
    expect(window.isShut()).toBe(true);
  });

  it('waits for what may be a contact for as long as the policy lets a drain last', () => {
    const { windows, lose, time } = lost(told('closed'));
    lose();
    expect(windows()).toEqual(['ccp', 'banner']);
    time.pass(HOUR_MS - 30_001);
    expect(windows()).toEqual(['ccp', 'banner']);
    time.pass(1);
    expect(windows()).toEqual(['blocked']);
  });

  it('takes no proof for good that is older than what it heard itself', () => {
    const { windows, lose, ccp, time } = lost(told('closed', { activity: idle }));
    time.pass(1);
    ccp()?.events?.onMedia(true);
    ccp()?.events?.onMedia(false);
    lose();
    expect(windows()).toEqual(['ccp', 'banner']);
  });

  it('cuts no call', () => {
    const { windows, lose, ccp, time } = lost(told('closed'));
    ccp()?.events?.onMedia(true);
    lose();
    time.pass(HOUR_MS + 1);
    expect(windows()).toEqual(['ccp', 'banner']);
    ccp()?.events?.onMedia(false);
    time.pass(MEDIA_SETTLES_MS);
    expect(windows()).toEqual(['blocked']);
  });

  it('keeps to a release for as long as that lasts', () => {
    const { windows, lose, time } = lost(
      told('closed', { activity: idle, gate: gate('open', { reason: 'released' }), releasedUntil: at(20) }),
    );
    lose();
    expect(windows()).toEqual(['ccp']);
    time.pass(20 * 60_000 - 30_001);
    expect(windows()).toEqual(['ccp']);
    time.pass(1);
    expect(windows()).toEqual(['blocked']);
  });

  it('closes nothing under a policy that only observes, and says no more what would be', () => {
    const { windows, lose, time } = lost(told('closed', { gate: observing('closed') }));
    expect(windows()).toEqual(['ccp', 'banner']);
    lose();
    time.pass(2 * HOUR_MS);
    expect(windows()).toEqual(['ccp']);
  });
});
