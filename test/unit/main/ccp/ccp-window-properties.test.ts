import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GateReason, GateStatus } from '../../../../contracts/gate.ts';
import type { DaemonLink } from '../../../../contracts/ipc.ts';
import { createCcpWindow, MEDIA_SETTLES_MS } from '../../../../main/ccp/ccp-window.ts';
import { MAX_HELD_MS } from '../../../../main/ccp/choose-face.ts';
import { gate, observing, view } from '../view.ts';
import { fakeWindows } from './fake-windows.ts';

type Event =
  | { kind: 'gate'; gate: GateStatus; link: DaemonLink }
  | { kind: 'open' }
  | { kind: 'close' }
  | { kind: 'crash' }
  | { kind: 'media'; isLive: boolean }
  | { kind: 'time'; ms: number };

const anyGate = fc.oneof(
  fc.constant(gate('open')),
  fc.constant(gate('draining')),
  fc.constantFrom<GateReason>('blocked', 'critical', 'drain-expired', 'undetermined').map((reason) => gate('closed', { reason })),
  fc.constantFrom<GateStatus['state']>('open', 'draining', 'closed').map(observing),
);
const link = fc.oneof(
  { weight: 6, arbitrary: fc.constant<DaemonLink>('connected') },
  { weight: 2, arbitrary: fc.constantFrom<DaemonLink>('reconnecting', 'absent', 'not-the-daemon') },
);
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('gate' as const), gate: anyGate, link }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('media' as const), isLive: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constantFrom<Event>({ kind: 'open' }, { kind: 'open' }, { kind: 'close' }, { kind: 'crash' }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(1, 1_000, MEDIA_SETTLES_MS, 60_000, MAX_HELD_MS) }),
  },
);

interface Moment {
  windows: readonly string[];
  isShut: boolean;
  isOnCall: boolean;
  order: GateStatus | null;
  said: string;
  /** How long the gate has been closed. */
  closedForMs: number;
}

function play(events: readonly Event[], seen: (before: Moment, event: Event, after: Moment) => void) {
  const fake = fakeWindows(true);
  const window = createCcpWindow(fake.ports);
  let order: GateStatus | null = null;
  let said = 'nothing';
  let closedMs = 0;
  const state = (): Moment => ({
    windows: fake.windows(),
    isShut: window.isShut(),
    isOnCall: window.isOnCall(),
    order,
    said,
    closedForMs: fake.time.nowMs() - closedMs,
  });
  for (const event of events) {
    const before = state();
    if (event.kind === 'gate') {
      if (event.link === 'connected') {
        if (event.gate.state === 'closed' && (order as GateStatus | null)?.state !== 'closed') closedMs = fake.time.nowMs();
        order = event.gate;
      }
      window.follow(view({ gate: event.gate }, { link: event.link }));
    } else if (event.kind === 'open') window.open();
    else if (event.kind === 'close') (fake.ccp() ?? fake.blocked())?.close();
    else if (event.kind === 'crash') fake.ccp()?.events?.onCrashed();
    else if (event.kind === 'media') fake.ccp()?.events?.onMedia(event.isLive);
    else fake.time.pass(event.ms);
    const told = fake.did();
    said = told.findLast((what) => what.startsWith('acknowledge ')) ?? said;
    expect(told).not.toContain('says idle');
    seen(before, event, state());
  }
}

const events = fc.array(anyEvent, { maxLength: 40 });

describe('whatever happens', () => {
  it('one window stands for the CCP, and a banner only over it', () => {
    fc.assert(
      fc.property(events, (given) => {
        play(given, (_, __, { windows }) => {
          expect([[], ['ccp'], ['ccp', 'banner'], ['blocked']]).toContainEqual(windows);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('a gate that does not act, or is open, never closes it nor cuts its requests', () => {
    fc.assert(
      fc.property(events, (given) => {
        play(given, (before, event, { windows, isShut, order }) => {
          if (!order || (order.acting && order.state === 'closed')) return;
          expect(isShut).toBe(false);
          expect(windows).not.toContain('blocked');
          if (before.windows.includes('ccp') && event.kind !== 'close' && event.kind !== 'crash') expect(windows).toContain('ccp');
        });
      }),
      { numRuns: 300 },
    );
  });

  it('a call in it is cut by nothing but a critical rule, a drain that is used up, two hours and a crash', () => {
    fc.assert(
      fc.property(events, (given) => {
        play(given, (before, event, { windows, order, closedForMs }) => {
          if (!before.isOnCall || event.kind === 'crash') return;
          // In time that passes a call may end.
          if (event.kind === 'time' && event.ms >= MEDIA_SETTLES_MS) return;
          if (order?.reason === 'critical' || order?.reason === 'drain-expired' || closedForMs >= MAX_HELD_MS) return;
          expect(windows).toContain('ccp');
        });
      }),
      { numRuns: 300 },
    );
  });

  it('behind a closed gate there is no CCP without a call of its own, and none for longer than two hours', () => {
    fc.assert(
      fc.property(events, (given) => {
        play(given, (_, __, { windows, isShut, isOnCall, order, closedForMs }) => {
          if (!order?.acting || order.state !== 'closed') return;
          const mayHold = isOnCall && order.reason !== 'critical' && order.reason !== 'drain-expired' && closedForMs < MAX_HELD_MS;
          expect(isShut).toBe(!windows.includes('ccp'));
          if (!mayHold) expect(windows).not.toContain('ccp');
        });
      }),
      { numRuns: 300 },
    );
  });

  it('what was acknowledged is so', () => {
    fc.assert(
      fc.property(events, (given) => {
        play(given, (_, __, { windows, said, order }) => {
          if (!order) return expect(said).toBe('nothing');
          const isClosed = order.acting && order.state === 'closed' && !windows.includes('ccp');
          expect(said).toBe(`acknowledge ${windows.includes('banner') ? 'banner' : isClosed ? 'closed' : 'open'}`);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('a lost or a strange daemon changes nothing', () => {
    fc.assert(
      fc.property(events, (given) => {
        play(given, (before, event, after) => {
          if (event.kind === 'gate' && event.link !== 'connected') expect(after.windows).toEqual(before.windows);
        });
      }),
      { numRuns: 300 },
    );
  });
});
