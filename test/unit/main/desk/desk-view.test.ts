import { describe, expect, it } from 'vitest';
import type { CheckId, RuleId } from '../../../../contracts/finding.ts';
import { DeskView } from '../../../../contracts/ipc.ts';
import { type DeskNews, nextView } from '../../../../main/desk/desk-view.ts';
import { gate, NOW, snapshot, verdict } from '../../agent/local-api/staged-api.ts';
import { aFinding } from '../../agent/report/sample-report.ts';

const start: DeskView = {
  link: 'connecting',
  snapshot: null,
  heardAt: null,
  looking: [],
  ccp: 'not-open',
  ccpTrouble: null,
  locale: { choice: 'auto', inUse: 'en' },
  app: { version: '0.1.0', platform: 'linux' },
};
const dns = 'network.dns' as CheckId;
const turn = 'network.turn-udp' as CheckId;

function viewAfter(...news: DeskNews[]): DeskView {
  const view = news.reduce(nextView, start);
  expect(DeskView.safeParse(view).success).toBe(true);
  return view;
}

const heard: DeskNews = { kind: 'heard', snapshot, at: NOW };
const started = (...checks: CheckId[]): DeskNews => ({
  kind: 'progress',
  progress: { kind: 'started', rules: checks.map((check) => ({ rule: check as string as RuleId, check })), notRun: [] },
});

const found = (check: CheckId): DeskNews => ({
  kind: 'progress',
  progress: { kind: 'finding', round: 0, finding: aFinding({ check }) },
});

describe('what is looked at', () => {
  it.each<[string, DeskNews[], CheckId[]]>([
    ['is what a run began with', [heard, started(dns, turn)], [dns, turn]],
    ['is named once', [heard, started(dns), started(turn, dns)], [dns, turn]],
    ['ends with the finding', [heard, started(dns, turn), found(dns)], [turn]],
    ['begins anew', [heard, started(dns), found(dns), started(dns)], [dns]],
    ['ends with the verdict', [heard, started(dns), { kind: 'progress', progress: { kind: 'verdict', verdict } }], []],
    ['ends when nothing more is told', [heard, started(dns, turn), { kind: 'looked-long-enough', checks: [dns] }], [turn]],
    ['ends with the connection', [heard, started(dns), { kind: 'without-daemon', link: 'reconnecting' }], []],
    ['is nothing before the first snapshot', [started(dns)], []],
    ['is nothing while the daemon is away', [heard, { kind: 'without-daemon', link: 'absent' }, started(dns)], []],
  ])('%s', (_name, news, looking) => {
    expect(viewAfter(...news).looking).toEqual(looking);
  });

  it('is bounded, whatever a policy asks for', () => {
    const many = Array.from({ length: 500 }, (_, index) => `network.check-${index}` as CheckId);
    expect(viewAfter(heard, started(...many)).looking.length).toBe(200);
  });
});

it('a daemon that is lost leaves what it said', () => {
  expect(viewAfter(heard, { kind: 'without-daemon', link: 'absent' })).toMatchObject({ link: 'absent', snapshot, heardAt: NOW });
});

it('events change the snapshot that is there, and make none', () => {
  const closed = { ...gate, state: 'closed' as const };
  const clear = { ...verdict, standing: 'clear' as const };
  expect(viewAfter(heard, { kind: 'gate', gate: closed }, { kind: 'verdict', verdict: clear }).snapshot).toEqual({
    ...snapshot,
    gate: closed,
    verdict: clear,
  });
  expect(viewAfter({ kind: 'gate', gate: closed }, { kind: 'verdict', verdict: clear })).toBe(start);
});

it('what changes nothing gives the same view', () => {
  const view = viewAfter(heard, started(dns));
  const same: DeskNews[] = [
    started(dns),
    { kind: 'ccp', ccp: 'not-open', trouble: null },
    { kind: 'locale', choice: 'auto', inUse: 'en' },
    { kind: 'progress', progress: { kind: 'endpoint', endpoint: 'a:443/tcp', step: 'tls', state: 'ok', detail: '' } },
  ];
  for (const news of same) expect(nextView(view, news)).toBe(view);
  const away = viewAfter(heard, { kind: 'without-daemon', link: 'absent' });
  expect(nextView(away, { kind: 'without-daemon', link: 'absent' })).toBe(away);
});
