import fc from 'fast-check';
import { type ActivityDesk, judgeActivity } from '../../../../agent/gate/judge-activity.ts';
import { type GateInput, type GateStep, resumeGate, stepGate } from '../../../../agent/gate/step-gate.ts';
import {
  type ActivityJudgement,
  ActivitySignal,
  ActivitySource,
  CallActivity,
  GateMemory,
  GateReason,
  GateState,
} from '../../../../contracts/gate.ts';
import { Standing } from '../../../../contracts/verdict.ts';

/** A signal with its age at the step that reads it. */
export type Word = Pick<ActivitySignal, 'source' | 'side' | 'says'> & { ageMs: number };

/** What the machine is told, less what the history itself keeps: the release ends at an instant, signals have an age. */
type Told = Omit<GateInput, 'activity' | 'released'> & { words: Word[]; desk: ActivityDesk; releaseForMs: number | null };

interface Event {
  change: Partial<Told>;
  /** `restart`: the stored memory is read back, in the same boot. `boot`: so it is, and the awake clock starts anew. */
  before: 'nothing' | 'restart' | 'boot';
  afterMs: number;
}

export interface History {
  start: Told;
  events: Event[];
}

export interface Moment extends GateStep {
  before: GateMemory;
  input: Omit<GateInput, 'activity'> & { activity: ActivityJudgement };
  words: readonly Word[];
  nowMs: number;
  /** Awake time since the moment before, as far as anybody can know it. */
  passedMs: number;
  /** The daemon came back just before this step. */
  came: boolean;
}

const flags = { usually: { weight: 6, arbitrary: fc.constant(true) }, rarely: { weight: 1, arbitrary: fc.constant(false) } };
const mostlyTrue = fc.oneof(flags.usually, flags.rarely);

/** Times meet on purpose: what happens exactly at a limit is where a comparison is wrong. */
const duration = fc.oneof(fc.constantFrom(0, 1, 999, 1_000, 5_000, 10_000, 60_000), fc.nat(200_000));
const limit = fc.oneof(fc.constantFrom(0, 1_000, 10_000, 60_000), fc.nat(100_000));

const anyWord: fc.Arbitrary<Word> = fc
  .record({
    source: fc.constantFrom(...ActivitySource.options),
    side: fc.constantFrom('privileged' as const, 'session' as const),
    says: fc.constantFrom(...CallActivity.options),
    ageMs: fc.oneof({ weight: 5, arbitrary: fc.nat(15_000) }, { weight: 1, arbitrary: fc.integer({ min: -5_000, max: 100_000 }) }),
  })
  .map((word) => (word.source === 'tray-window' ? { ...word, side: 'session' } : word));

/** Random words hardly ever prove that a desk is idle, or that the privileged side alone sees a call. */
const word = (source: ActivitySource, says: CallActivity): Word => ({
  source,
  side: source === 'tray-window' ? 'session' : 'privileged',
  says,
  ageMs: 1_000,
});
const anyWords: fc.Arbitrary<Word[]> = fc.oneof(
  fc.array(anyWord, { maxLength: 5 }),
  fc.constantFrom<Word[]>(
    [word('connect-api', 'idle')],
    [word('media-packets', 'idle'), word('microphone', 'idle')],
    [word('media-packets', 'on-call'), word('microphone', 'on-call')],
    [word('media-packets', 'idle'), word('microphone', 'on-call')],
    [word('media-packets', 'idle'), word('microphone', 'idle'), word('tray-window', 'on-call')],
    [word('tray-window', 'on-call')],
  ),
);

const told = {
  standing: fc.oneof(
    { weight: 3, arbitrary: fc.constant('blocked' as const) },
    { weight: 2, arbitrary: fc.constantFrom(...Standing.options) },
  ),
  criticalBlock: mostlyTrue.map((common) => !common),
  words: anyWords,
  desk: fc.record({
    features: fc.record({ voice: mostlyTrue, vdi: mostlyTrue.map((common) => !common) }),
    vantage: fc.constantFrom('endpoint' as const, 'endpoint' as const, 'vdi-guest' as const),
  }),
  gate: fc.record({
    mode: mostlyTrue.map((common) => (common ? ('enforce' as const) : ('observe' as const))),
    onAgentLoss: fc.constantFrom('open' as const, 'closed' as const),
    maxDrainMs: limit,
  }),
  whenUndetermined: fc.constantFrom('open' as const, 'closed' as const),
  undeterminedGraceMs: limit,
  enrolled: mostlyTrue,
  policySigned: mostlyTrue,
  releaseForMs: fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: duration }),
};

const anyEvent: fc.Arbitrary<Event> = fc.record({
  // One thing at a time, and often none: drains and graces are long.
  change: fc.oneof<fc.WeightedArbitrary<Partial<Told>>[]>(
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 3, arbitrary: fc.record({ words: told.words }) },
    { weight: 2, arbitrary: fc.record({ standing: told.standing, criticalBlock: told.criticalBlock }) },
    { weight: 1, arbitrary: fc.record({ releaseForMs: told.releaseForMs }) },
    { weight: 1, arbitrary: fc.record({ enrolled: told.enrolled, policySigned: told.policySigned, gate: told.gate }) },
    { weight: 1, arbitrary: fc.record({ whenUndetermined: told.whenUndetermined, desk: told.desk }) },
  ),
  before: fc.oneof(
    { weight: 8, arbitrary: fc.constant('nothing' as const) },
    { weight: 1, arbitrary: fc.constantFrom('restart' as const, 'boot' as const) },
  ),
  afterMs: duration,
});

export const anyHistory: fc.Arbitrary<History> = fc.record({
  start: fc.record(told),
  events: fc.array(anyEvent, { minLength: 1, maxLength: 40, size: 'max' }),
});

export const anyInput: fc.Arbitrary<GateInput> = fc
  .record({
    ...told,
    activity: fc.record({ activity: fc.constantFrom(...CallActivity.options), byPrivileged: fc.boolean() }),
    released: fc.oneof(fc.constant(null), fc.record({ untilMs: fc.oneof(duration, fc.double({ noNaN: true })) })),
  })
  .map(({ words: _words, desk: _desk, releaseForMs: _release, ...input }) => input);

const instant = fc.oneof(duration, fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 }));

/** Whatever fits the contract, also what no history leads to: a file may have been written by another version. */
export const anyMemory: fc.Arbitrary<GateMemory> = fc.record({
  schema: fc.constant(1 as const),
  steppedAtMs: instant,
  state: fc.constantFrom(...GateState.options),
  wouldBe: fc.constantFrom(...GateState.options),
  sinceMs: instant,
  reason: fc.constantFrom(...GateReason.options),
  spentMs: duration,
  spending: fc.boolean(),
  undeterminedSinceMs: fc.option(instant),
  resumed: fc.boolean(),
});

export function play({ start, events }: History): Moment[] {
  const moments: Moment[] = [];
  let now = start;
  let nowMs = 0;
  let memory = resumeGate(null, nowMs);
  let releaseEndsAtMs: number | null = null;
  for (const { change, before: interruption, afterMs } of [{ change: start, before: 'nothing', afterMs: 0 } as const, ...events]) {
    now = { ...now, ...change };
    nowMs = interruption === 'boot' ? afterMs : nowMs + afterMs;
    if (interruption !== 'nothing') memory = resumeGate(GateMemory.parse(JSON.parse(JSON.stringify(memory))), nowMs);
    if (change.releaseForMs !== undefined) releaseEndsAtMs = change.releaseForMs === null ? null : nowMs + change.releaseForMs;
    const { words, desk, releaseForMs: _, ...rest } = now;
    const signals = words.map(({ ageMs, ...said }) => ActivitySignal.parse({ ...said, observedAtMs: nowMs - ageMs }));
    const input = {
      ...rest,
      activity: judgeActivity(signals, desk, nowMs),
      released: releaseEndsAtMs === null ? null : { untilMs: releaseEndsAtMs },
    };
    const step = stepGate(memory, input, nowMs);
    moments.push({
      ...step,
      before: memory,
      input,
      words,
      nowMs,
      passedMs: Math.max(0, nowMs - memory.steppedAtMs),
      came: interruption !== 'nothing',
    });
    memory = step.memory;
  }
  return moments;
}
