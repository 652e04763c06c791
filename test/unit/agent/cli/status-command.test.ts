import { expect, it } from 'vitest';
import type { GateStatus } from '../../../../contracts/gate.ts';
import type { Snapshot } from '../../../../contracts/local-api.ts';
import { LinkFault } from '../../../../contracts/local-link/link-fault.ts';
import { start } from './fake-place.ts';
import { answering, enforcer, snapshot as enrolledSnapshot, telling } from './sample-snapshot.ts';

const gate: GateStatus = {
  state: 'open',
  wouldBe: 'closed',
  sinceMs: 0,
  reason: 'blocked',
  drainEndsByMs: null,
  acting: false,
  notActingBecause: 'not-enrolled',
};

const snapshot: Snapshot = { ...enrolledSnapshot, gate, fleet: { ...enrolledSnapshot.fleet, state: 'not-enrolled' } };

it('tells what the daemon found, since when, and what its gate would do', async () => {
  const daemon = answering({ snapshot: async () => ({ ok: true, value: snapshot }) });
  const { code, out } = await start(['status', '--no-color'], { daemon });
  expect(code).toBe(1);
  expect(out).toContain('This desk cannot take calls.');
  expect(out).toContain('running since 2026-01-01T08:00:00.000Z');
  expect(out.trimEnd().split('\n').at(-1)).toBe(' Observing only: nothing is closed. Enforced, the Contact Control Panel would be closed.');
});

it('tells a gate that acts as it is', async () => {
  const acting = { ...snapshot, gate: { ...gate, state: 'draining' as const, acting: true, notActingBecause: null } };
  const daemon = answering({ snapshot: async () => ({ ok: true, value: acting }) });
  const { out } = await start(['status', '--no-color'], { daemon });
  expect(out.trimEnd().split('\n').at(-1)).toBe(' The Contact Control Panel closes when the call ends.');
});

it('before the first look there is nothing to say yet', async () => {
  const daemon = answering({ snapshot: async () => ({ ok: true, value: { ...snapshot, verdict: null } }) });
  const { code, out } = await start(['status', '--no-color'], { daemon });
  expect([code, out.split('\n')[0]]).toEqual([3, 'The daemon has not finished its first look yet.']);
});

it('--json prints the whole answer', async () => {
  const daemon = answering({ snapshot: async () => ({ ok: true, value: snapshot }) });
  const { out } = await start(['status', '--json'], { daemon });
  expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(snapshot)));
});

it.each([
  ['no-daemon', 'is not running'],
  ['not-your-socket', 'no interface for this user'],
  ['not-the-daemon', 'do not trust it'],
] as const)('%s: says what it means, exit 69', async (code, words) => {
  const daemon = { connectDaemon: () => Promise.reject(new LinkFault(code, 'the detail')) };
  const started = await start(['status'], { daemon });
  expect([started.code, started.out]).toEqual([69, '']);
  expect(started.err).toContain(words);
});

it('recheck asks, and passes a refusal on', async () => {
  const asked = await start(['recheck'], { daemon: answering({ recheck: async () => ({ ok: true, value: undefined }) }) });
  expect([asked.code, asked.out]).toEqual([0, 'The daemon looks again now; "deskwarden status" tells what it finds.\n']);
  const refused = answering({ recheck: async () => ({ ok: false, error: { code: 'too-soon', detail: '4 s' } }) });
  const soon = await start(['recheck'], { daemon: refused });
  expect([soon.code, soon.err]).toEqual([75, 'deskwarden: the daemon has just looked; ask again in 4 s\n']);
});

it.each<[string, Partial<Snapshot>, string[]]>([
  [
    'a release',
    { releasedUntil: '2026-01-01T09:00:00.000Z' },
    ['Released: the Contact Control Panel stays open until 2026-01-01T09:00:00.000Z.'],
  ],
  [
    'a fleet that is silent',
    { fleet: { ...enrolledSnapshot.fleet, trouble: { code: 'internal', detail: 'no route\u001b[2J' } } },
    ['The fleet server has not answered since 2026-01-01T08:00:00.000Z: internal, no route'],
  ],
  [
    'a fleet that never answered',
    { fleet: { ...enrolledSnapshot.fleet, heardAt: null, trouble: { code: 'internal', detail: '' } } },
    ['The fleet server has never answered: internal'],
  ],
  [
    'a desk that was revoked',
    { fleet: { ...enrolledSnapshot.fleet, state: 'revoked' } },
    ['The fleet server has revoked this desk: IT has to enrol it anew.'],
  ],
  [
    'a desk that waits',
    { fleet: { ...enrolledSnapshot.fleet, state: 'pending' } },
    ['This desk waits for its approval on the fleet server.'],
  ],
  ['nothing of a fleet that answers', {}, []],
])('tells in a line of its own: %s', async (_, told, lines) => {
  const { out } = await start(['status', '--no-color'], { daemon: telling({ enforcers: [enforcer('confirmed')], ...told }) });
  expect(out.trimEnd().split(' The Contact Control Panel is closed.\n')[1]?.trim().split('\n') ?? []).toEqual(lines);
});

it('points to what does not hold', async () => {
  const { out } = await start(['status', '--no-color'], { daemon: telling({ enforcers: [enforcer('conflict')] }) });
  expect(out).toContain(' The Contact Control Panel should be closed. Something does not hold: "deskwarden gate status" tells more.\n');
});
