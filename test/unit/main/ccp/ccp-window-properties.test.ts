import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GateReason, GateStatus } from '../../../../contracts/gate.ts';
import type { DaemonLink } from '../../../../contracts/ipc.ts';
import type { Snapshot } from '../../../../contracts/local-api.ts';
import { askBeforeQuit } from '../../../../main/ask-before-quit.ts';
import { createCcpWindow } from '../../../../main/ccp/ccp-window.ts';
import { MAX_HELD_MS } from '../../../../main/ccp/choose-face.ts';
import { MEDIA_SETTLES_MS } from '../../../../main/ccp/own-call.ts';
import { gate, observing, snapshot, view } from '../view.ts';
import { type FakeWindow, fakeWindows } from './fake-windows.ts';

const MAX_DRAIN_MS = 60_000;
const { ccp, policy } = snapshot();
const places: readonly Snapshot['ccp'][] = [
  ccp,
  { ...ccp, loginOrigins: ['https://idp.example.net'] },
  { ...ccp, url: 'https://other.my.connect.aws/ccp-v2/', origins: ['https://other.my.connect.aws'] },
  { url: null, origins: [], loginOrigins: [] },
];

interface Said {
  kind: 'said';
  gate: GateStatus;
  link: DaemonLink;
  onAgentLoss: 'open' | 'closed';
  isIdle: boolean;
  place: number;
}
type Event =
  | Said
  | { kind: 'open' | 'close' | 'close blocked' | 'crash' | 'loaded' | 'refused' | 'quit' }
  | { kind: 'answer' | 'media'; is: boolean }
  | { kind: 'failed'; code: number }
  | { kind: 'time'; ms: number };

const anyGate = fc.oneof(
  fc.constant(gate('open')),
  fc.constant(gate('draining')),
  fc.constantFrom<GateReason>('blocked', 'critical', 'drain-expired', 'undetermined').map((reason) => gate('closed', { reason })),
  fc.constantFrom<GateStatus['state']>('open', 'draining', 'closed').map(observing),
);
const link = fc.oneof(
  { weight: 6, arbitrary: fc.constant<DaemonLink>('connected') },
  { weight: 3, arbitrary: fc.constantFrom<DaemonLink>('reconnecting', 'absent', 'absent', 'not-the-daemon') },
);
const said: fc.Arbitrary<Said> = fc.record({
  kind: fc.constant('said' as const),
  gate: anyGate,
  link,
  onAgentLoss: fc.constantFrom('open' as const, 'closed' as const),
  isIdle: fc.boolean(),
  place: fc.constantFrom(0, 0, 0, 0, 1, 2, 3),
});
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 5, arbitrary: said },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('media' as const), is: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('answer' as const), is: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Event>(...(['open', 'open', 'close', 'close blocked', 'crash', 'quit'] as const).map((kind) => ({ kind }))),
  },
  { weight: 3, arbitrary: fc.constantFrom<Event>({ kind: 'loaded' }, { kind: 'loaded' }, { kind: 'refused' }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('failed' as const), code: fc.constantFrom(-105, -105, -20, -3) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      ms: fc.constantFrom(0, 1, 1_000, MEDIA_SETTLES_MS, 15_000, MAX_DRAIN_MS, MAX_HELD_MS),
    }),
  },
);

interface Moment {
  nowMs: number;
  windows: readonly string[];
  isHidden: boolean;
  isShut: boolean;
  isOnCall: boolean;
  /** What the daemon last said, and whether it is still there. */
  order: Said | null;
  link: DaemonLink;
  applied: string;
  /** Since when nothing was said that closes. */
  openMs: number;
  /** Its user has closed it a moment ago. */
  isClosing: boolean;
}
interface Played {
  seen?: (before: Moment, event: Event, after: Moment) => void;
  /** Something plays in it. */
  onCut?: (event: Event, at: Moment) => void;
  answer?: boolean;
}

const closes = (order: Said | null) => order?.gate.acting === true && order.gate.state === 'closed';
const closesWithout = (order: Said | null) => order?.gate.acting === true && order.onAgentLoss === 'closed';

async function play(events: readonly Event[], { seen, onCut, answer = false }: Played): Promise<void> {
  let event: Event = { kind: 'open' };
  const fake = fakeWindows(true, (gone: FakeWindow) => {
    if (gone.isPlaying) onCut?.(event, state());
  });
  const window = createCcpWindow(fake.ports);
  const [asked, quits]: [number[], number[]] = [[], []];
  const mayEnd = askBeforeQuit({
    isOnCall: window.isOnCall,
    confirmQuit: async () => {
      asked.push(fake.time.nowMs());
      return answer;
    },
    quit: () => quits.push(fake.time.nowMs()),
  });
  let order: Said | null = null;
  let at = 'connecting' as DaemonLink;
  let applied = 'nothing';
  let openMs = 0;
  let heard = 0;
  let isClosing = false;
  const state = (): Moment => ({
    nowMs: fake.time.nowMs(),
    windows: fake.windows(),
    isHidden: fake.ccp()?.isHidden === true,
    isShut: window.isShut(),
    isOnCall: window.isOnCall(),
    order,
    link: at,
    applied,
    openMs,
    isClosing,
  });
  const follow = (next: Said) => {
    heard += 1;
    const { onAgentLoss, isIdle, place } = next;
    const told = {
      gate: next.gate,
      ccp: places[place] ?? ccp,
      policy: { ...policy, gate: { onAgentLoss, maxDrainMs: MAX_DRAIN_MS } },
      activity: { activity: isIdle ? ('idle' as const) : ('unknown' as const), byPrivileged: isIdle, sources: [] },
    };
    at = next.link;
    if (next.link === 'connected') order = next;
    window.follow(view(told, { link: next.link, heardAt: new Date(heard).toISOString() }));
  };
  const media = (is: boolean) => {
    const there = fake.ccp();
    if (!there) return;
    there.isPlaying = is;
    there.events?.onMedia(is);
  };
  for (event of events) {
    const before = state();
    const mayBeClosed = closes(order) || (at !== 'connected' && closesWithout(order));
    if (!mayBeClosed) openMs = fake.time.nowMs();
    isClosing = event.kind === 'close' || (isClosing && event.kind !== 'time');
    const failure = { error: 'ERR', url: 'https://acme.my.connect.aws/ccp-v2/' };
    if (event.kind === 'said') follow(event);
    else if (event.kind === 'open') window.open();
    else if (event.kind === 'close') fake.ccp()?.close();
    else if (event.kind === 'close blocked') fake.blocked()?.close();
    else if (event.kind === 'crash') fake.ccp()?.events?.onCrashed();
    else if (event.kind === 'loaded') fake.ccp()?.events?.onLoaded();
    else if (event.kind === 'refused') fake.ccp()?.events?.onRefused('https://idp.example.net/');
    else if (event.kind === 'failed') fake.ccp()?.events?.onFailed({ ...failure, code: event.code });
    else if (event.kind === 'media') media(event.is);
    else if (event.kind === 'answer') fake.offers.shift()?.(event.is);
    else if (event.kind === 'time') fake.time.pass(event.ms);
    else if (mayEnd()) expect(before.isOnCall && quits.length === 0).toBe(false);
    for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
    const told = fake.did();
    applied = told.findLast((what) => what.startsWith('acknowledge ')) ?? applied;
    expect(told).not.toContain('says idle');
    seen?.(before, event, state());
  }
  if (!answer) expect(quits).toEqual([]);
  expect(quits.length).toBeLessThanOrEqual(asked.length);
  window.stop();
  expect(fake.time.waits()).toBe(0);
}

const events = fc.array(anyEvent, { maxLength: 60 });
const always = (played: Played) =>
  fc.assert(
    fc.asyncProperty(events, fc.boolean(), (given, answer) => play(given, { ...played, answer })),
    { numRuns: 400 },
  );

describe('whatever happens', () => {
  it('there is one window of a kind, ours in place of the CCP or the CCP, and a banner only over it', async () => {
    await always({
      seen(_, __, { windows, isHidden, isShut }) {
        const shown = isHidden ? [['ccp', 'blocked']] : [[], ['ccp'], ['ccp', 'banner'], ['blocked']];
        expect(shown).toContainEqual(windows);
        if (windows.includes('blocked')) expect(isHidden || isShut).toBe(true);
      },
    });
  });

  it('a gate that does not act, or is open, closes nothing and cuts no request', async () => {
    await always({
      seen(before, event, { windows, isShut, order, link: now }) {
        if (!order || closes(order) || (now !== 'connected' && closesWithout(order))) return;
        expect(isShut).toBe(false);
        if (order.place > 1 || (before.order?.place ?? 0) > 1 || before.isClosing) return;
        if (before.windows.includes('ccp') && event.kind !== 'close blocked' && event.kind !== 'crash') expect(windows).toContain('ccp');
      },
    });
  });

  it('what plays is cut by nothing but a critical rule, a drain that is used up, two hours and a crash', async () => {
    await always({
      onCut(event, { order, link: now, nowMs, openMs }) {
        if (event.kind === 'crash') return;
        const isOrdered = closes(order) && (now === 'connected' || order?.onAgentLoss === 'closed' || now !== 'absent');
        const cuts = order?.gate.reason === 'critical' || order?.gate.reason === 'drain-expired';
        expect((isOrdered && cuts) || nowMs - openMs >= MAX_HELD_MS).toBe(true);
      },
    });
  });

  it('behind a closed gate there is no CCP without a call of its own, and none for longer than two hours', async () => {
    await always({
      seen(_, __, { windows, isShut, isOnCall, order, link: now, nowMs, openMs }) {
        if (!closes(order) || now !== 'connected') return;
        const mayHold =
          isOnCall && order?.gate.reason !== 'critical' && order?.gate.reason !== 'drain-expired' && nowMs - openMs < MAX_HELD_MS;
        expect(isShut).toBe(!windows.includes('ccp'));
        if (!mayHold) expect(windows).not.toContain('ccp');
      },
    });
  });

  it('what was acknowledged is so', async () => {
    await always({
      seen(_, __, { windows, applied, order, link: now, isShut }) {
        if (!order) return expect(applied).toBe('nothing');
        const isClosed = !windows.includes('ccp') && (now === 'connected' ? closes(order) : isShut);
        expect(applied).toBe(`acknowledge ${windows.includes('banner') ? 'banner' : isClosed ? 'closed' : 'open'}`);
      },
    });
  });

  it('a restart of the daemon changes nothing, and its loss does what the policy wrote', async () => {
    await always({
      seen(before, event, { windows, order, link: now, isShut, isOnCall }) {
        if (event.kind === 'said' && now === 'reconnecting' && before.link === 'connected') expect(windows).toEqual(before.windows);
        if (!order?.gate.acting || now !== 'absent') return;
        if (order.onAgentLoss === 'open') expect(isShut).toBe(false);
        else if (closes(order) && !isOnCall) expect(windows).not.toContain('ccp');
        else if (event.kind === 'time' && event.ms >= MAX_DRAIN_MS && !isOnCall) expect(windows).not.toContain('ccp');
      },
    });
  });
});
