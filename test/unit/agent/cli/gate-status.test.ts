import { describe, expect, it } from 'vitest';
import { locales } from '../../../../checks/texts/locale.ts';
import en from '../../../../checks/texts/ui/en.json' with { type: 'json' };
import { EnforcerName, EnforcerNoteCode, EnforcerState } from '../../../../contracts/enforcer.ts';
import { ActivitySource, GateReason, NotActingReason } from '../../../../contracts/gate.ts';
import type { Snapshot } from '../../../../contracts/local-api.ts';
import { LinkFault } from '../../../../contracts/local-link/link-fault.ts';
import { start } from './fake-place.ts';
import { closedGate, enforcer, snapshot, telling } from './sample-snapshot.ts';

const show = async (told: Partial<Snapshot>, ...argv: string[]) =>
  start(['gate', 'status', '--no-color', ...argv], { daemon: telling(told) });

describe('gate status', () => {
  it('shows the gate, why, the call, and what each enforcer does', async () => {
    const enforcers = [
      {
        ...enforcer('conflict', ['foreign-allowlist']),
        targets: [...enforcer('confirmed').targets, ...enforcer('conflict', ['foreign-allowlist']).targets],
      },
      {
        enforcer: 'egress' as const,
        wanted: 'closed' as const,
        state: 'written' as const,
        targets: [{ target: 'udp-3478', state: 'written' as const, notes: [] }],
      },
      { enforcer: 'window' as const, wanted: 'closed' as const, state: 'confirmed' as const, targets: [] },
    ];
    const { code, out } = await show({ enforcers });
    expect(code).toBe(1);
    expect(out).toMatchInlineSnapshot(`
      " ▲  The Contact Control Panel should be closed.
          Not everything that should hold it closed does so: see below.
          Why: A rule of the policy stops calls on this desk.
          Call: none, proven by: call packets, microphone in use

       Browser policy: should be closed
       ✔  Google Chrome: confirmed closed
       ✖  Google Chrome: conflict: something else overrides it
            Another policy allows what this one blocks: take the entry out there. [of
            foreign-allowlist]

       Network: should be closed
       •  UDP 3478: written; nothing shows yet that it works

       Contact Control Panel window: should be closed
          There is none on this computer.

       Policy floor, revision 3, signed
      "
    `);
  });

  it.each<[string, Partial<Snapshot>, number, string]>([
    ['closed and confirmed', { enforcers: [enforcer('confirmed')] }, 0, 'confirmed closed'],
    ['closed and written', { enforcers: [enforcer('written')] }, 0, 'nothing shows yet that it works'],
    [
      'closed in conflict',
      { enforcers: [enforcer('confirmed'), enforcer('conflict')] },
      1,
      'Not everything that should hold it closed does so',
    ],
    ['closed by half', { enforcers: [enforcer('degraded')] }, 1, 'it may still be open'],
    ['closed, and an enforcer has not heard of it', { enforcers: [enforcer('confirmed', [], 'open')] }, 1, 'should be open'],
    ['closed by nothing', { enforcers: [] }, 1, 'Nothing on this desk holds it closed'],
    [
      'open, and a file that is not ours',
      { gate: { ...closedGate, state: 'open', wouldBe: 'open', reason: 'clear' }, enforcers: [enforcer('conflict', [], 'open')] },
      0,
      'may hold it closed',
    ],
    ['observing', { gate: { ...closedGate, state: 'open', acting: false, notActingBecause: 'observe' } }, 0, 'the policy only observes. '],
    [
      'released',
      { gate: { ...closedGate, state: 'open', wouldBe: 'open', reason: 'released' }, releasedUntil: '2026-01-01T09:00:00.000Z' },
      0,
      'open until 2026-01-01T09:00:00.000Z',
    ],
  ])('%s', async (_, told, code, words) => {
    const shown = await show(told);
    expect(shown.out.replace(/\s+/g, ' ')).toContain(words);
    expect(shown.code).toBe(code);
  });

  it('gives every state a mark of its own, also without colours and without Unicode', async () => {
    for (const unicode of [true, false]) {
      const enforcers = EnforcerState.options.map((state) => enforcer(state));
      const { out } = await start(['gate', 'status'], { daemon: telling({ enforcers }), place: { unicode } });
      const marks = [...out.matchAll(/^ (\S) {2}Google Chrome/gm)].map(([, mark]) => mark);
      expect(new Set(marks).size).toBe(EnforcerState.options.length);
    }
  });

  it('tells how long a drain may last from its beginning, and nothing of clocks that are not ours', async () => {
    const draining = { ...closedGate, state: 'draining' as const, wouldBe: 'draining' as const, sinceMs: 987_654_321 };
    const bounded = await show({ gate: { ...draining, drainEndsByMs: 987_654_321 + 7_200_000 } });
    expect(bounded.out).toContain('at the latest 120 min after it began');
    expect(bounded.out).not.toContain('987');
    const onCall = { activity: 'on-call' as const, byPrivileged: true, sources: ['media-packets' as const] };
    expect((await show({ gate: draining, activity: onCall })).out).toContain('closes when the call that is seen has ended');
  });

  it.each<[string, Snapshot['activity'], string]>([
    ['vouched', { activity: 'on-call', byPrivileged: true, sources: ['media-packets'] }, 'Call: on a call, as seen by: call packets'],
    [
      'of the session',
      { activity: 'on-call', byPrivileged: false, sources: ['tray-window'] },
      "as the user's own session says (tray app's window)",
    ],
    ['idle', { activity: 'idle', byPrivileged: true, sources: ['connect-api'] }, 'Call: none, proven by: Amazon Connect itself'],
    ['unknown', { activity: 'unknown', byPrivileged: false, sources: ['microphone'] }, 'missing is the word of: microphone in use'],
    ['unknown, with nobody to ask', { activity: 'unknown', byPrivileged: false, sources: [] }, 'not known whether there is one Policy'],
  ])('activity: %s', async (_, activity, words) => expect((await show({ activity })).out.replace(/\s+/g, ' ')).toContain(words));

  it('--json prints what it goes by, with the same exit status', async () => {
    const { code, out } = await show({ enforcers: [enforcer('degraded')] }, '--json');
    const { gate, activity, releasedUntil } = snapshot;
    const policy = { id: 'floor', revision: 3, signed: true };
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({ gate, activity, enforcers: [enforcer('degraded')], releasedUntil, policy });
  });

  it('shows what strangers wrote as text', async () => {
    const [target] = enforcer('degraded').targets;
    const odd = {
      ...enforcer('degraded'),
      targets: target ? [{ ...target, notes: [{ code: 'unreadable' as const, detail: '\u001b[2Jx' }] }] : [],
    };
    const { out } = await show({ enforcers: [odd] });
    expect(out).toContain('[x]');
    expect(out).not.toContain('\u001b');
  });

  it('without a daemon: exit 69', async () => {
    const daemon = { connectDaemon: () => Promise.reject(new LinkFault('no-daemon', 'ENOENT')) };
    expect(await start(['gate', 'status'], { daemon })).toMatchObject({ code: 69, out: '' });
  });
});

it('there is a text for every state, note, reason and source', () => {
  const wanted = [
    ...EnforcerName.options.map((name) => `enforcer.${name}`),
    ...EnforcerState.options.flatMap((state) => [`enforcer.open.${state}`, `enforcer.closed.${state}`]),
    ...EnforcerNoteCode.options.map((code) => `enforcer-note.${code}`),
    ...GateReason.options.map((reason) => `gate-reason.${reason}`),
    ...NotActingReason.options.map((reason) => `gate.not-acting.${reason}`),
    ...ActivitySource.options.map((source) => `activity-source.${source}`),
  ];
  expect(wanted.filter((key) => !Object.hasOwn(en, key))).toEqual([]);
});

it.each(locales)('speaks %s in full, at every width', async (lang) => {
  const enforcers = [enforcer('degraded', EnforcerNoteCode.options)];
  const { out } = await show({ enforcers }, '--lang', lang);
  for (const code of EnforcerNoteCode.options) expect(out.replace(/\s+/g, '')).toContain(`[of${code}]`);
  if (lang !== 'en') for (const code of EnforcerNoteCode.options) expect(out).not.toContain(en[`enforcer-note.${code}`].slice(0, 30));
});
