import { expect, it } from 'vitest';
import type { DaemonEvent } from '../../../../agent/daemon/daemon-event.ts';
import { inWords, readLogLine } from '../../../../build/start/log-words.ts';

const lineOf = (event: DaemonEvent) => JSON.stringify({ level: 'info', at: '2026-01-01T09:00:00.000Z', ...event });
const gate = { event: 'gate', state: 'open', wouldBe: 'closed', reason: 'blocked', activity: 'unknown' } as const;

it.each<[DaemonEvent, string | null]>([
  [{ event: 'verdict', standing: 'clear', causes: [] }, 'verdict: clear'],
  [
    { event: 'verdict', standing: 'blocked', causes: ['network.turn-udp', 'tls.handshake'] },
    'verdict: blocked (network.turn-udp, tls.handshake)',
  ],
  [
    { ...gate, notActingBecause: 'not-enrolled' },
    'gate: The gate does not act: this desk is not enrolled with a fleet server. If it acted, the Contact Control Panel would be closed.',
  ],
  [{ ...gate, state: 'closed', notActingBecause: null }, 'gate: The Contact Control Panel is closed.'],
  [{ event: 'trigger', because: 'wake' }, 'looks again: this computer woke up'],
  [{ event: 'fault', what: 'state not saved', detail: 'disk full' }, 'trouble: state not saved: disk full'],
  [{ event: 'started', version: '1.2.3', stateDir: '/srv', watchesNetwork: true }, null],
])('%j', (event, words) => {
  const line = readLogLine(lineOf(event));
  expect(line && inWords(line)).toBe(words);
});

it.each(['', '{', '"verdict"', '{"event":"verdict"}'])('takes %j for no line of the log', (text) => {
  expect(readLogLine(text)).toBeNull();
});
