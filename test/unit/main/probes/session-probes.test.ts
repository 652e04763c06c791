import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CheckId, type Finding, RuleId } from '../../../../contracts/finding.ts';
import type { CallActivity } from '../../../../contracts/gate.ts';
import type { DeskView, ProbeTask } from '../../../../contracts/ipc.ts';
import type { ProbeReading, Snapshot } from '../../../../contracts/local-api.ts';
import type { Outcome } from '../../../../contracts/outcome.ts';
import { type SessionProbes, startSessionProbes } from '../../../../main/probes/session-probes.ts';
import { snapshot } from '../../agent/local-api/staged-api.ts';

const audio = CheckId.parse('softphone.audio-devices');
const webrtc = CheckId.parse('softphone.webrtc-stack');
const EVERY_MS = 30 * 60_000;
const good: ProbeReading = { seen: true, evidence: {} };
const turn = [{ host: 'turn.example.com', port: 3478 }];
const rule = (check: CheckId, everyMs = EVERY_MS, id = check as string, params = {}) => ({ id: RuleId.parse(id), check, params, everyMs });
const on = { fail: 'block', degraded: 'warn', unknown: 'note' } as const;

let probes: SessionProbes | undefined;
beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => {
  probes?.stop();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

function start(rules = [rule(audio)], { link = 'connected' as DeskView['link'], random = 0 } = {}) {
  const listeners = new Set<(view: DeskView, before: DeskView) => void>();
  const told: Snapshot = { ...snapshot, verdict: null, findings: [], session: { rules, turn } };
  let view = { link, snapshot: told } as DeskView;
  const state = {
    isCcpLive: false,
    isOpen: false,
    opened: 0,
    answers: 'at-once' as 'at-once' | 'never',
    submit: 'ok' as 'ok' | 'too-soon',
  };
  const sent: ProbeTask[] = [];
  const submitted: [number, string, ProbeReading][] = [];
  const started = startSessionProbes({
    desk: {
      view: () => view,
      onChange(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      async submitEvidence(check, reading) {
        submitted.push([performance.now(), check, reading]);
        return state.submit === 'ok' ? { ok: true, value: undefined } : { ok: false, error: { code: state.submit, detail: '' } };
      },
    },
    page: {
      open() {
        expect(state.isOpen).toBe(false);
        [state.isOpen, state.opened] = [true, state.opened + 1];
        if (state.answers === 'at-once') setTimeout(() => started.ready(), 100);
      },
      send(task) {
        sent.push(task);
        setTimeout(() => started.done(task.task, good), 400);
      },
      close() {
        state.isOpen = false;
      },
    },
    isCcpLive: () => state.isCcpLive,
    monotonicMs: () => performance.now(),
    random: () => random,
  });
  probes = started;
  const become = (next: Partial<DeskView>) => {
    const before = view;
    view = { ...view, ...next };
    for (const listener of listeners) listener(view, before);
  };
  const say = (next: Partial<Snapshot>) => become({ snapshot: { ...(view.snapshot ?? told), ...next } });
  const activity = (says: CallActivity) => say({ activity: { activity: says, byPrivileged: true, sources: [] } });
  return { started, state, sent, submitted, become, say, activity };
}

function found(outcome: Outcome): Finding {
  return { rule: RuleId.parse(audio), check: audio, outcome } as Finding;
}

describe('a look', () => {
  it('opens the page, asks it, tells the daemon, and closes the page', async () => {
    const { state, sent, submitted } = start([rule(audio, EVERY_MS, audio, { headsets: ['Acme'] })]);
    await pass(2_100);
    expect(state.isOpen).toBe(true);
    await pass(400);
    expect(sent).toEqual([{ task: 0, check: audio, params: { headsets: ['Acme'] }, turn }]);
    expect(submitted.map(([, ...rest]) => rest)).toEqual([[audio, good]]);
    expect(state.isOpen).toBe(false);
  });

  it('is one at a time', async () => {
    const { state, submitted } = start([rule(audio), rule(webrtc)]);
    await pass(4_000);
    expect([submitted.map(([, check]) => check), state.opened, state.isOpen]).toEqual([[audio, webrtc], 2, false]);
  });

  it('serves every rule of its check, as often as the most frequent wants it', async () => {
    const { submitted } = start([rule(audio), rule(audio, EVERY_MS / 2, 'floor-two')]);
    await pass(EVERY_MS / 2 + 5_000);
    expect(submitted).toHaveLength(2);
  });

  it('comes again by its cadence, a little sooner by chance', async () => {
    const { submitted } = start([rule(audio)], { random: 0.5 });
    await pass(3 * EVERY_MS);
    const times = submitted.map(([ms]) => ms);
    expect(times.slice(1).map((ms, i) => ms - (times[i] ?? 0))).toEqual([0.95, 0.95, 0.95].map((part) => part * EVERY_MS));
  });

  it('whose page never comes is said to have timed out, and the page is closed', async () => {
    const { state, submitted } = start();
    state.answers = 'never';
    await pass(2_000 + 15_000);
    expect(submitted.map(([, , reading]) => reading)).toEqual([{ seen: false, cause: 'timed-out', detail: 'no page within 15000 ms' }]);
    expect(state.isOpen).toBe(false);
  });

  it('that never answers is said to have timed out', async () => {
    const { started, state, submitted } = start();
    state.answers = 'never';
    await pass(2_000);
    vi.spyOn(started, 'done').mockImplementation(() => {});
    started.ready();
    await pass(29_999);
    expect(submitted).toEqual([]);
    await pass(1);
    expect(submitted.map(([, , reading]) => reading)).toEqual([{ seen: false, cause: 'timed-out', detail: 'no answer within 30000 ms' }]);
  });

  it('whose page crashes is said to have crashed', async () => {
    const { started, submitted } = start();
    await pass(2_050);
    started.gone();
    expect(submitted.map(([, , reading]) => reading)).toMatchObject([{ seen: false, cause: 'crashed' }]);
  });

  it('takes no answer to another question', async () => {
    const { started, state, submitted } = start();
    state.answers = 'never';
    await pass(2_000);
    started.done(0, good);
    started.ready();
    started.done(7, good);
    expect(submitted).toEqual([]);
  });

  it('that the daemon takes too soon is taken again', async () => {
    const { state, submitted } = start();
    state.submit = 'too-soon';
    await pass(2_500);
    state.submit = 'ok';
    await pass(5_500);
    expect(submitted).toHaveLength(2);
  });
});

describe('while there is a call', () => {
  it('nothing is looked at; afterwards it is', async () => {
    const { state, activity, submitted } = start();
    activity('on-call');
    await pass(EVERY_MS);
    expect([state.opened, submitted]).toEqual([0, []]);
    activity('idle');
    await pass(500);
    expect(submitted).toHaveLength(1);
  });

  it('in the CCP’s window nothing is looked at, whatever the daemon says', async () => {
    const { state, started, activity } = start();
    state.isCcpLive = true;
    activity('idle');
    await pass(EVERY_MS);
    expect(state.opened).toBe(0);
    state.isCcpLive = false;
    started.callChanged();
    expect(state.opened).toBe(1);
  });

  it('that begins in the CCP a look is given up, and nothing is told of it', async () => {
    const { state, started, submitted } = start();
    await pass(2_200);
    state.isCcpLive = true;
    started.callChanged();
    expect(state.isOpen).toBe(false);
    await pass(1_000);
    expect(submitted).toEqual([]);
    state.isCcpLive = false;
    started.callChanged();
    await pass(500);
    expect(submitted).toHaveLength(1);
  });

  it('that the daemon sees during a look may be the look itself, which goes on', async () => {
    const { activity, submitted } = start();
    await pass(2_200);
    activity('on-call');
    await pass(300);
    expect(submitted).toHaveLength(1);
  });
});

describe('it looks at once', () => {
  it('when somebody asks for that check, but not twice in five seconds', async () => {
    const { started, submitted } = start([rule(audio), rule(webrtc)]);
    await pass(10_000);
    expect(started.recheck(audio)).toBe(true);
    await pass(600);
    expect(started.recheck(audio)).toBe(false);
    expect(started.recheck(CheckId.parse('network.dns'))).toBe(false);
    expect(submitted.map(([, check]) => check)).toEqual([audio, webrtc, audio]);
    expect(started.recheck()).toBe(true);
    await pass(600);
    expect(submitted.map(([, check]) => check).at(-1)).toBe(webrtc);
  });

  it('when the daemon is back, but at most once a minute', async () => {
    const { become, submitted } = start();
    await pass(5_000);
    for (let i = 0; i < 10; i++) {
      become({ link: 'reconnecting' });
      become({ link: 'connected' });
      await pass(2_000);
    }
    expect(submitted).toHaveLength(1);
    await pass(60_000);
    become({ link: 'reconnecting' });
    become({ link: 'connected' });
    await pass(2_500);
    expect(submitted).toHaveLength(2);
  });

  it('without a daemon at nothing', async () => {
    const { state, started, become } = start([rule(audio)], { link: 'absent' });
    expect(started.recheck()).toBe(false);
    await pass(EVERY_MS);
    expect(state.opened).toBe(0);
    become({ link: 'connected' });
    await pass(2_500);
    expect(state.opened).toBe(1);
  });

  it('that is lost while it looks: the look is given up', async () => {
    const { state, become, submitted } = start();
    await pass(2_200);
    become({ link: 'reconnecting' });
    await pass(1_000);
    expect([state.isOpen, submitted]).toEqual([false, []]);
  });
});

describe('when a device comes or goes', () => {
  it('it looks once they have settled, at that check alone', async () => {
    const { started, submitted } = start([rule(audio), rule(webrtc)]);
    await pass(10_000);
    for (let i = 0; i < 4; i++) {
      started.devicesChanged();
      await pass(700);
    }
    expect(submitted).toHaveLength(2);
    await pass(5_000);
    expect(submitted.map(([, check]) => check)).toEqual([audio, webrtc, audio]);
  });

  it('again and again, it looks every 15 seconds at most, and at last at how they were left', async () => {
    const { started, submitted } = start();
    await pass(10_000);
    for (let i = 0; i < 30; i++) {
      // Past the look itself, and what it leaves behind.
      await pass(4_500);
      started.devicesChanged();
    }
    const lastMs = performance.now();
    await pass(20_000);
    const times = submitted.slice(1).map(([ms]) => ms);
    expect(times.length).toBeGreaterThan(5);
    for (const [index, ms] of times.slice(1).entries()) expect(ms - (times[index] ?? 0)).toBeGreaterThanOrEqual(15_000);
    expect(times.at(-1)).toBeGreaterThan(lastMs);
  });

  it('by its own look, as a Bluetooth headset does, it does not look again', async () => {
    const { started, submitted } = start();
    await pass(10_000);
    started.devicesChanged();
    await pass(1_200);
    started.devicesChanged();
    await pass(300 + 2_900);
    started.devicesChanged();
    await pass(60_000);
    expect(submitted).toHaveLength(2);
  });

  it('on a call it waits for its end', async () => {
    const { started, state, activity, submitted } = start();
    await pass(10_000);
    activity('on-call');
    started.devicesChanged();
    await pass(60_000);
    expect([submitted.length, state.opened]).toEqual([1, 1]);
    activity('idle');
    await pass(1_000);
    expect(submitted).toHaveLength(2);
  });

  it('after its stop, it does nothing', async () => {
    const { started, state } = start();
    await pass(10_000);
    started.devicesChanged();
    started.stop();
    await pass(60_000);
    expect(state.opened).toBe(1);
  });
});

describe('it confirms', () => {
  const fail: Outcome = { kind: 'fail', reason: 'no-microphone', args: {} };
  const policy = { ...snapshot.policy, rules: [{ id: RuleId.parse(audio), check: audio, on }] };
  const cause = { rule: RuleId.parse(audio), check: audio, enforcement: 'block' as const, explains: [], blocksAt: null, waiver: null };
  const verdict = (causes: (typeof cause)[]) => ({ causes }) as unknown as NonNullable<Snapshot['verdict']>;

  it.each([
    ['what is bad and does not count yet', found(fail), verdict([]), 6],
    ['what is good and still counts as bad', found({ kind: 'pass' }), verdict([cause]), 6],
    ['not what is bad and counts', found(fail), verdict([cause]), 1],
    ['not what is good', found({ kind: 'pass' }), verdict([]), 1],
    ['not what is only noted', found({ kind: 'unknown', cause: 'inconclusive', detail: '' }), verdict([]), 1],
  ])('%s', async (_name, finding, decided, looks) => {
    const { say, submitted } = start();
    say({ policy, findings: [finding], verdict: decided });
    await pass(EVERY_MS / 2);
    expect(submitted).toHaveLength(looks);
  });
});

it('after its stop nothing is open and nothing comes', async () => {
  const { started, state, submitted } = start();
  await pass(2_200);
  started.stop();
  await pass(EVERY_MS * 2);
  expect([state.isOpen, state.opened, submitted]).toEqual([false, 1, []]);
});
