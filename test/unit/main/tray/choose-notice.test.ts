import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { locales } from '../../../../checks/texts/locale.ts';
import { textsFor } from '../../../../checks/texts/lookup.ts';
import type { CallActivity } from '../../../../contracts/gate.ts';
import { DaemonLink, type DeskView } from '../../../../contracts/ipc.ts';
import type { Snapshot } from '../../../../contracts/local-api.ts';
import { chooseNotice, type NoticeKind, nothingTold, type Told } from '../../../../main/tray/choose-notice.ts';
import { at, cause, gate, NOW, observing, verdict, view } from '../view.ts';

const texts = textsFor('en');
const activity = (says: CallActivity) => ({ activity: says, byPrivileged: false, sources: [] });
const onCall = { activity: activity('on-call') };

/** What the desk is like, by the names that the sequences below use. */
const clear: Partial<Snapshot> = {};
const ahead = (rules: readonly string[], minutes: number): Partial<Snapshot> => ({
  verdict: verdict('caution', { causes: rules.map((rule) => cause(rule, { blocksAt: at(minutes) })), blocksAt: at(minutes) }),
});
const blockedVerdict = { verdict: verdict('blocked', { causes: [cause('network.turn-udp')] }) };
const closed = (reason: 'blocked' | 'critical' = 'blocked'): Partial<Snapshot> => ({ ...blockedVerdict, gate: gate('closed', { reason }) });
const draining: Partial<Snapshot> = { ...blockedVerdict, gate: gate('draining') };
const released: Partial<Snapshot> = { ...blockedVerdict, releasedUntil: at(60) };
const unsure: Partial<Snapshot> = { verdict: verdict('undetermined') };

/** At each minute what the desk is like, and what is told. */
type Step = readonly [minute: number, told: Partial<Snapshot> | DeskView, notice: NoticeKind | null];
const stale = (told: Partial<Snapshot>, link: DaemonLink = 'reconnecting') => view(told, { link });

function tell(steps: readonly (readonly [number, Partial<Snapshot> | DeskView])[], before: Told = nothingTold) {
  let told = before;
  return steps.map(([minute, given]) => {
    const seen = 'link' in given ? given : view(given);
    const chosen = chooseNotice(seen, told, texts, new Date(NOW.getTime() + minute * 60_000));
    told = chosen.told;
    return chosen.notice?.kind ?? null;
  });
}

describe('notices', () => {
  const sequences: Readonly<Record<string, readonly Step[]>> = {
    'a good day': [
      [0, clear, null],
      [1, clear, null],
      [2, unsure, null],
      [3, clear, null],
    ],
    'before a block, at half-time, at it and after it': [
      [0, clear, null],
      [1, ahead(['tls.a'], 31), 'ahead'],
      [2, ahead(['tls.a'], 31), null],
      [15, ahead(['tls.a'], 31), null],
      [16, ahead(['tls.a'], 31), 'again'],
      [17, ahead(['tls.a'], 31), null],
      [31, closed(), 'blocked'],
      [32, closed(), null],
      [40, clear, 'recovered'],
      [41, clear, null],
    ],
    'a block that is near is told once': [
      [0, clear, null],
      [1, ahead(['tls.a'], 11), 'ahead'],
      [9, ahead(['tls.a'], 11), null],
    ],
    'one more cause is news, one less is not': [
      [0, clear, null],
      [1, ahead(['tls.a'], 9), 'ahead'],
      [2, ahead(['tls.a', 'tls.b'], 9), 'ahead'],
      [3, ahead(['tls.b'], 9), null],
      [4, ahead(['tls.a'], 9), null],
    ],
    'a cause that went and came within minutes is not told again': [
      [0, clear, null],
      [1, ahead(['tls.a'], 9), 'ahead'],
      [2, clear, null],
      [3, ahead(['tls.a'], 12), null],
    ],
    'a cause that was away for ten minutes is': [
      [0, clear, null],
      [1, ahead(['tls.a'], 9), 'ahead'],
      [2, clear, null],
      [12, ahead(['tls.a'], 20), 'ahead'],
    ],
    'a block that flaps': [
      [0, closed(), 'blocked'],
      [3, clear, 'recovered'],
      [5, closed(), null],
      [8, clear, null],
      [10, closed(), null],
      [12, unsure, null],
      [13, { ...draining }, null],
      [14, clear, null],
      [24, closed(), 'blocked'],
    ],
    'a block that came back and stays': [
      [0, closed(), 'blocked'],
      [3, clear, 'recovered'],
      [5, closed(), null],
      [14, closed(), null],
      [15, closed(), 'blocked'],
      [20, clear, 'recovered'],
    ],
    'what flaps and gets worse': [
      [0, ahead(['network.turn-udp'], 20), 'ahead'],
      [1, clear, null],
      [2, ahead(['network.turn-udp'], 20), null],
      [3, draining, 'drain'],
      [4, closed(), 'blocked'],
    ],
    'its reminder comes once, whether or not it flaps': [
      [0, ahead(['tls.a'], 40), 'ahead'],
      [5, clear, null],
      [8, ahead(['tls.a'], 48), null],
      [20, ahead(['tls.a'], 48), 'again'],
      [21, clear, null],
      [22, ahead(['tls.a'], 62), null],
      [45, ahead(['tls.a'], 62), null],
    ],
    'another cause while one flaps': [
      [0, closed(), 'blocked'],
      [3, clear, 'recovered'],
      [4, ahead(['tls.a'], 9), 'ahead'],
    ],
    'a block after hours of not knowing': [
      [0, closed(), 'blocked'],
      [1, unsure, 'recovered'],
      [180, closed(), 'blocked'],
    ],
    'a moment of not knowing is no change': [
      [0, clear, null],
      [1, ahead(['tls.a'], 9), 'ahead'],
      [2, unsure, null],
      [3, ahead(['tls.a'], 9), null],
    ],
    'a recovery is told only to whom a block was told': [
      [0, clear, null],
      [1, ahead(['tls.a'], 9), 'ahead'],
      [2, clear, null],
    ],
    'a call first: what comes after it, then that it came': [
      [0, onCall, null],
      [1, { ...draining, ...onCall }, 'drain'],
      [2, { ...draining, ...onCall }, null],
      [3, { ...closed(), ...onCall }, null],
      [4, closed(), 'blocked'],
      [5, clear, 'recovered'],
    ],
    'a drain that nobody knows to be a call is told the same': [
      [0, clear, null],
      [1, draining, 'drain'],
    ],
    'nothing else during a call': [
      [0, onCall, null],
      [1, { ...ahead(['tls.a'], 30), ...onCall }, null],
      [20, { ...ahead(['tls.a'], 30), ...onCall }, null],
      [21, ahead(['tls.a'], 30), 'ahead'],
    ],
    'a drain that ends well is told after the call': [
      [0, clear, null],
      [1, { ...draining, ...onCall }, 'drain'],
      [2, onCall, null],
      [3, clear, 'recovered'],
    ],
    'who was cut off by a critical rule is told why': [
      [0, onCall, null],
      [1, { ...closed('critical'), ...onCall }, 'blocked'],
    ],
    'at the start of the app what will block': [
      [0, ahead(['tls.a'], 40), 'ahead'],
      [1, ahead(['tls.a'], 40), null],
      [20, ahead(['tls.a'], 40), 'again'],
    ],
    'at the start of the app a block': [[0, closed(), 'blocked']],
    'a release': [
      [0, closed(), 'blocked'],
      [1, released, 'released'],
      [2, released, null],
      [61, closed(), 'blocked'],
    ],
    'a policy that only observes': [
      [0, clear, null],
      [1, { ...ahead(['tls.a'], 9), gate: observing('open') }, null],
      [2, { ...blockedVerdict, gate: observing('closed') }, null],
      [3, { ...blockedVerdict, gate: observing('draining') }, null],
      [4, { gate: observing('open') }, null],
    ],
    'a policy that begins to observe opens the gate': [
      [0, closed(), 'blocked'],
      [1, { gate: observing('open') }, 'recovered'],
    ],
    'nothing from what was heard long ago': [
      [0, clear, null],
      [1, stale(closed()), null],
      [2, stale(ahead(['tls.a'], 9), 'absent'), null],
      [3, stale(closed(), 'not-the-daemon'), null],
      [4, view(null, { link: 'connecting' }), null],
      [5, closed(), 'blocked'],
      [6, stale(clear), null],
      [7, stale(closed()), null],
      [8, closed(), null],
    ],
    'a time that is over is no time to a block': [
      [0, clear, null],
      [10, ahead(['tls.a'], 9), null],
    ],
  };

  it.each(Object.entries(sequences))('%s', (_, steps) => {
    expect(tell(steps.map(([minute, given]) => [minute, given]))).toEqual(steps.map(([, , notice]) => notice));
  });

  const kinds: Readonly<Record<NoticeKind, readonly [Partial<Snapshot>, Told]>> = {
    ahead: [ahead(['tls.handshake'], 9), nothingTold],
    again: [ahead(['tls.handshake'], 9), { ...nothingTold, rules: { 'tls.handshake': { level: 1, awaySinceMs: null } }, againAtMs: 0 }],
    drain: [draining, nothingTold],
    blocked: [closed(), nothingTold],
    recovered: [clear, { ...nothingTold, shut: 'blocked' }],
    released: [released, { ...nothingTold, shut: 'drain' }],
  };

  it.each(Object.entries(kinds))('%s names what to do, in every language', (kind, [given, told]) => {
    const said = locales.map((locale) => chooseNotice(view(given), told, textsFor(locale), NOW).notice);
    for (const notice of said) {
      expect(notice?.kind).toBe(kind);
      expect(`${notice?.title} ${notice?.body}`).not.toMatch(/[{}]|undefined|notice\./);
    }
    expect(new Set(said.map((notice) => notice?.title)).size).toBe(locales.length);
    expect(new Set(said.map((notice) => notice?.body)).size).toBe(locales.length);
  });

  it('does not call a desk in order of which nobody knows', () => {
    const body = (given: Partial<Snapshot>) => chooseNotice(view(given), { ...nothingTold, shut: 'blocked' }, texts, NOW).notice?.body;
    expect(body(clear)).toBe('What stood in the way is fixed.');
    expect(body(unsure)).toMatch(/calls may not work/);
    expect(body({ verdict: null })).toMatch(/calls may not work/);
    expect(body({ ...blockedVerdict, gate: observing('closed') })).toMatch(/calls may not work/);
  });
});

describe('in any sequence', () => {
  const rules = fc.subarray(['tls.a', 'tls.b', 'tls.c'], { minLength: 1 });
  const anySnapshot = fc.oneof(
    fc.constantFrom(clear, unsure, draining, released, closed(), closed('critical')),
    fc.tuple(rules, fc.integer({ min: 1, max: 90 })).map(([names, minutes]) => ahead(names, minutes)),
  );
  const anyStep = fc.tuple(
    fc.integer({ min: 0, max: 12 }),
    anySnapshot,
    fc.constantFrom<CallActivity>('on-call', 'idle', 'unknown'),
    fc.oneof({ weight: 5, arbitrary: fc.constant<DaemonLink>('connected') }, fc.constantFrom(...DaemonLink.options)),
  );
  const anySteps = fc.array(anyStep, { maxLength: 30 });

  /** What a person would call another situation. */
  const situationOf = (given: Partial<Snapshot>) =>
    JSON.stringify([given.gate?.state ?? 'open', given.releasedUntil != null, given.verdict?.causes.map(({ rule }) => rule) ?? []]);

  it('no notice is told twice without a change between', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        let told = nothingTold;
        let minute = 0;
        const since = new Map<NoticeKind, Set<string>>();
        for (const [wait, given, says, link] of steps) {
          minute += wait;
          const chosen = chooseNotice(
            view({ ...given, activity: activity(says) }, { link }),
            told,
            texts,
            new Date(NOW.getTime() + minute * 60_000),
          );
          told = chosen.told;
          if (link === 'connected') for (const seen of since.values()) seen.add(situationOf(given));
          if (!chosen.notice) continue;
          const { kind } = chosen.notice;
          const seen = since.get(kind);
          if (seen) expect([...seen].length, `${kind} again, with nothing else between`).toBeGreaterThan(1);
          since.set(kind, new Set([situationOf(given)]));
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('of one cause that flaps within minutes nothing is told twice', () => {
    const cause = 'network.turn-udp';
    const there = fc.oneof(
      fc.constantFrom(draining, closed(), closed('critical')),
      fc.integer({ min: 1, max: 90 }).map((minutes) => ahead([cause], minutes)),
    );
    const round = fc.tuple(there, fc.constantFrom(clear, unsure, released), fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }));
    fc.assert(
      fc.property(fc.array(round, { minLength: 1, maxLength: 30 }), (rounds) => {
        let minute = 0;
        const steps = rounds.flatMap(([bad, good, badFor, goodFor]) => {
          const both = [[minute, bad] as const, [minute + badFor, good] as const];
          minute += badFor + goodFor;
          return both;
        });
        const kinds = tell(
          steps.map(([at, given]) => [
            at,
            released === given ? { ...given, releasedUntil: new Date(NOW.getTime() + 1e9).toISOString() } : given,
          ]),
        );
        for (const kind of ['ahead', 'again', 'drain', 'blocked'] as const) {
          expect(kinds.filter((one) => one === kind).length, `${kind} of ${kinds.join()}`).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('what was told and what is differ for ten minutes at most', () => {
    const state = fc.constantFrom(clear, closed());
    fc.assert(
      fc.property(fc.array(fc.tuple(state, fc.integer({ min: 1, max: 30 })), { maxLength: 30 }), (steps) => {
        let told = nothingTold;
        let minute = 0;
        let isBelievedOpen = true;
        let since = 0;
        for (const [given, minutes] of steps) {
          for (const end = minute + minutes; minute < end; minute++) {
            const chosen = chooseNotice(view(given), told, texts, new Date(NOW.getTime() + minute * 60_000));
            told = chosen.told;
            if (chosen.notice) isBelievedOpen = chosen.notice.kind !== 'blocked';
            if (isBelievedOpen === (given === clear)) since = minute;
            expect(minute - since).toBeLessThanOrEqual(10);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a call is disturbed only by what comes after it, and by having been cut', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const given = steps.map(
          ([wait, told, says, link], index) => [index + wait, view({ ...told, activity: activity(says) }, { link })] as const,
        );
        const kinds = tell(given);
        for (const [index, kind] of kinds.entries()) {
          const { snapshot, link } = given[index]?.[1] ?? view();
          if (kind !== null) expect(link).toBe('connected');
          if (kind === null || snapshot?.activity.activity !== 'on-call') continue;
          expect(kind === 'drain' || (kind === 'blocked' && snapshot.gate.reason === 'critical')).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('an end is told only of a block that was told', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const kinds = tell(
          steps.map(([wait, told, says, link], index) => [index + wait, view({ ...told, activity: activity(says) }, { link })]),
        );
        let isShut = false;
        for (const kind of kinds) {
          if (kind === 'recovered' || kind === 'released') expect(isShut).toBe(true);
          if (kind === 'drain' || kind === 'blocked') isShut = true;
          if (kind === 'recovered' || kind === 'released') isShut = false;
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
