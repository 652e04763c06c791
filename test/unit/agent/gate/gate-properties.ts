import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { type GateInput, resumeGate, stepGate } from '../../../../agent/gate/step-gate.ts';
import { GateMemory, GateStatus } from '../../../../contracts/gate.ts';
import { anyHistory, anyInput, anyMemory, type History, type Moment, play } from './gate-histories.ts';

/** For every property. */
export const RUNS = 2_000;

/** Ten times what a run takes on a busy machine with two cores. */
const RUN_MS = 10;

/**
 * Over random histories of verdicts, calls, clocks, restarts, releases and policies:
 *
 * - I1: a gate never closes while a privileged signal says on-call, unless a critical rule blocks. (One that is already
 *   closed stays so: no call can have begun behind it. After a restart it counts as open if the daemon's loss opens it.)
 * - I2: where the gate acts, a blocked verdict and proven idle close it in the same step.
 * - I3: a drain in which the privileged side sees no call ends within maxDrainMs of awake time, whatever the session says,
 *   across restarts, and however the signals alternate; time in which it does see one is not counted.
 * - I4: the gate is really open in observe mode, on a desk that is not enrolled, under an unsigned policy, and while released.
 * - I5: where the gate acts, no step from any stored memory under a standing block yields open.
 * - I6: clear and caution open it at once.
 */
export function describeGateProperties(runs: number, seed: number): void {
  const holds = <T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void) =>
    fc.assert(fc.property(arbitrary, property), { numRuns: runs, seed });
  const always = (property: (moment: Moment, previous: Moment | undefined) => void) =>
    holds(anyHistory, (history) => {
      let previous: Moment | undefined;
      for (const moment of play(history)) {
        property(moment, previous);
        previous = moment;
      }
    });

  describe(`over ${runs} random histories, seed ${seed}`, { timeout: runs * RUN_MS }, () => {
    test('I1: never closes on a call that the privileged side sees, unless critical', () => {
      always(({ input, status, before, words, came }) => {
        if (!seesCall(words) || isCritical(input)) return;
        const wasShut = before.state === 'closed' && !(came && input.gate.onAgentLoss === 'open');
        if (status.state === 'closed') expect(wasShut).toBe(true);
        if (status.wouldBe === 'closed') expect(status.acting && wasShut).toBe(true);
      });
    });

    test('I2: blocked and proven idle is closed in the same step', () => {
      always(({ input, status, nowMs }) => {
        if (!acts(input) || isReleased(input, nowMs) || input.standing !== 'blocked' || input.activity.activity !== 'idle') return;
        expect(status.state).toBe('closed');
      });
    });

    test('a critical block closes at once, and a closed gate stays closed while a block stands', () => {
      always(({ input, status, before, nowMs, came }) => {
        if (!acts(input) || isReleased(input, nowMs) || input.standing !== 'blocked') return;
        if (input.criticalBlock || (before.state === 'closed' && !came)) expect(status.state).toBe('closed');
        if (input.criticalBlock) expect(status.reason).toBe('critical');
      });
    });

    test('I3: a drain ends within its budget, and not before, but for time in which the privileged side sees a call', () => {
      holds(anyHistory, (history) => {
        let drainedMs = 0;
        let saw = false;
        for (const { before, status, input, passedMs } of play(history)) {
          if (before.state === 'draining' && !saw) drainedMs += passedMs;
          if (before.state === 'open') drainedMs = 0;
          saw = input.activity.activity === 'on-call' && input.activity.byPrivileged;
          if (status.state === 'draining' && !saw) expect(drainedMs).toBeLessThan(input.gate.maxDrainMs);
          const hasExpired = status.state === 'closed' && before.state !== 'closed' && status.reason === 'drain-expired';
          if (hasExpired) expect(drainedMs).toBeGreaterThanOrEqual(input.gate.maxDrainMs);
          const hasClosed = status.state === 'closed' && before.state !== 'closed';
          if (hasClosed && !isCritical(input) && input.activity.activity !== 'idle') expect(hasExpired).toBe(true);
        }
      });
    });

    test('I3: the end that is told is not put off', () => {
      always(({ status, input, nowMs, passedMs }, previous) => {
        if (status.drainEndsByMs === null) return;
        expect(status.drainEndsByMs - nowMs).toBeGreaterThan(0);
        expect(status.drainEndsByMs - nowMs).toBeLessThanOrEqual(input.gate.maxDrainMs);
        const told = previous?.status.drainEndsByMs ?? null;
        if (previous === undefined || told === null || previous.status.state !== status.state) return;
        if (previous.input.gate.maxDrainMs !== input.gate.maxDrainMs) return;
        expect(status.drainEndsByMs - nowMs).toBe(told - previous.nowMs - passedMs);
      });
    });

    test('I4: really open in observe mode, not enrolled, unsigned or released', () => {
      always(({ input, status, nowMs }) => {
        if (!acts(input) || isReleased(input, nowMs)) expect(status.state).toBe('open');
        if (isReleased(input, nowMs)) expect(status.reason).toBe('released');
        expect(status.acting).toBe(acts(input));
        expect(status.notActingBecause === null).toBe(status.acting);
        if (status.acting) expect(status.wouldBe).toBe(status.state);
      });
    });

    test('I5: no step under a standing block yields open, from any memory', () => {
      const blocked = fc.tuple(anyMemory, anyInput, fc.double({ noNaN: true, noDefaultInfinity: true }));
      holds(blocked, ([memory, some, nowMs]) => {
        const input = acting({ ...some, standing: 'blocked', released: null });
        expect(stepGate(memory, input, nowMs).status.state).not.toBe('open');
        const resumed = stepGate(resumeGate(memory, nowMs), input, nowMs).status.state;
        expect(resumed).not.toBe('open');
        const draining = input.activity.activity === 'on-call' && input.activity.byPrivileged;
        if (memory.state === 'closed' && !draining) expect(resumed).toBe('closed');
      });
    });

    test('I6: clear and caution are open at once', () => {
      always(({ input, status }) => {
        if (input.standing !== 'clear' && input.standing !== 'caution') return;
        expect([status.state, status.wouldBe, status.drainEndsByMs]).toEqual(['open', 'open', null]);
      });
    });

    test('undetermined changes nothing for its grace, but that a drain goes on; then it is what the policy says', () => {
      holds(anyHistory, (history) => {
        let undeterminedForMs: number | null = null;
        for (const { before, input, status, nowMs, passedMs } of play(history)) {
          if (input.standing !== 'undetermined') undeterminedForMs = null;
          else undeterminedForMs = undeterminedForMs === null ? 0 : undeterminedForMs + passedMs;
          if (undeterminedForMs === null || isReleased(input, nowMs)) continue;
          const isOver = undeterminedForMs >= input.undeterminedGraceMs;
          const held = status.acting ? before.state : before.wouldBe;
          const isShut = isOver ? input.whenUndetermined === 'closed' : held !== 'open';
          expect(status.wouldBe !== 'open').toBe(isShut);
          if (status.reason !== 'drain-expired') expect(status.reason).toBe(isOver ? 'undetermined' : 'undetermined-grace');
        }
      });
    });

    test('total: whatever fits the contract steps to what fits the contract, and is left as it was', () => {
      holds(fc.tuple(anyMemory, anyInput, fc.double({ noNaN: true, noDefaultInfinity: true })), ([memory, input, nowMs]) => {
        const before = structuredClone([memory, input]);
        const step = stepGate(memory, input, nowMs);
        GateMemory.parse(step.memory);
        GateStatus.parse(step.status);
        expect([memory, input]).toEqual(before);
      });
    });

    test('the same step twice is the same, from any memory', () => {
      holds(fc.tuple(anyMemory, anyInput, fc.nat(1_000_000)), ([memory, input, nowMs]) => {
        const once = stepGate(memory, input, nowMs);
        expect(stepGate(once.memory, input, nowMs)).toEqual(once);
      });
    });

    test('nothing swings while the input stays the same', () => {
      const waits = fc.array(fc.nat(100_000), { minLength: 2, maxLength: 12 });
      holds(fc.tuple(anyMemory, anyInput, waits), ([memory, some, steps]) => {
        const input = { ...some, released: null };
        const seen: string[] = [];
        let nowMs = memory.steppedAtMs;
        let now = memory;
        for (const waitMs of steps) {
          nowMs += waitMs;
          const { memory: next, status } = stepGate(now, input, nowMs);
          now = next;
          if (seen.at(-1) !== status.wouldBe) seen.push(status.wouldBe);
        }
        expect(new Set(seen).size, seen.join(' > ')).toBe(seen.length);
      });
    });

    test('the wall clock is no input', () => {
      vi.useFakeTimers({ toFake: ['Date', 'performance'] });
      try {
        const wall = fc.integer({ min: 0, max: 4e12 });
        holds(fc.tuple(anyHistory, wall, wall), ([history, oneMs, otherMs]: [History, number, number]) => {
          vi.setSystemTime(oneMs);
          const one = play(history);
          vi.setSystemTime(otherMs);
          expect(play(history)).toEqual(one);
        });
      } finally {
        vi.useRealTimers();
      }
    });
  });
}

/** Told from the signals alone, apart from how they are judged. */
function seesCall(words: Moment['words']): boolean {
  const fresh = words.filter(({ side, ageMs }) => side === 'privileged' && ageMs >= 0 && ageMs <= 15_000);
  return fresh.some(({ source, says }) => says === 'on-call' && source !== 'microphone');
}

function isCritical({ standing, criticalBlock }: Moment['input']): boolean {
  return standing === 'blocked' && criticalBlock;
}

function acts({ enrolled, policySigned, gate }: Moment['input']): boolean {
  return enrolled && policySigned && gate.mode === 'enforce';
}

function isReleased({ released }: Moment['input'], nowMs: number): boolean {
  return released !== null && nowMs < released.untilMs;
}

function acting(input: GateInput): GateInput {
  return { ...input, enrolled: true, policySigned: true, gate: { ...input.gate, mode: 'enforce' } };
}
