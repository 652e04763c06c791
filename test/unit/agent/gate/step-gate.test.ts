import { describe, expect, test } from 'vitest';
import { resumeGate, stepGate } from '../../../../agent/gate/step-gate.ts';
import { GateMemory, type GateStatus } from '../../../../contracts/gate.ts';
import { stories, usual } from './gate-stories.ts';

describe('stepGate', () => {
  test.each(stories)('%s', (_, steps, status) => {
    let input = usual;
    let memory = resumeGate(null, 0);
    let last: GateStatus | null = null;
    for (const [nowMs, { restart, gate, ...change }] of steps) {
      input = { ...input, ...change, gate: { ...input.gate, ...gate } };
      if (restart) memory = resumeGate(GateMemory.parse(JSON.parse(JSON.stringify(memory))), nowMs);
      ({ memory, status: last } = stepGate(memory, input, nowMs));
    }
    expect(last).toEqual(status);
  });

  test('stories have names of their own', () => {
    const names = stories.map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
