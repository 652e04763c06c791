import { z } from 'zod';
import { textsFor } from '../../checks/texts/lookup.ts';

/** What of the daemon's log is worth a line to somebody who watches it. */
const Line = z.discriminatedUnion('event', [
  z.object({ event: z.literal('verdict'), standing: z.enum(['clear', 'caution', 'blocked', 'undetermined']), causes: z.array(z.string()) }),
  z.object({
    event: z.literal('gate'),
    state: z.enum(['open', 'draining', 'closed']),
    wouldBe: z.enum(['open', 'draining', 'closed']),
    reason: z.string(),
    notActingBecause: z.enum(['not-enrolled', 'unsigned-policy', 'observe']).nullable(),
  }),
  z.object({ event: z.literal('trigger'), because: z.enum(['network', 'wake', 'user', 'asked']) }),
  z.object({ event: z.literal('fault'), what: z.string(), detail: z.string() }),
]);
export type LogLine = z.infer<typeof Line>;

const { ui } = textsFor('en');
const triggers = {
  network: 'the network changed',
  wake: 'this computer woke up',
  user: 'users came or went',
  asked: 'somebody asked',
};

/** Null for a line that tells nothing to a person, or is none. */
export function readLogLine(text: string): LogLine | null {
  try {
    return Line.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

export function inWords(line: LogLine): string {
  switch (line.event) {
    case 'verdict':
      return `verdict: ${ui(`standing.${line.standing}`)}${line.causes.length > 0 ? ` (${line.causes.join(', ')})` : ''}`;
    case 'gate':
      if (line.notActingBecause === null) return `gate: ${ui(`gate.${line.state}`)}`;
      return `gate: ${ui(`gate.not-acting.${line.notActingBecause}`)} ${ui('gate.acting-would', { state: ui(`gate.would.${line.wouldBe}`) })}`;
    case 'trigger':
      return `looks again: ${triggers[line.because]}`;
    case 'fault':
      return `trouble: ${line.what}: ${line.detail}`;
  }
}
