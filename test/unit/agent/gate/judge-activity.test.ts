import { describe, expect, test } from 'vitest';
import { type ActivityDesk, judgeActivity, SIGNAL_STALE_AFTER_MS } from '../../../../agent/gate/judge-activity.ts';
import { type ActivityJudgement, ActivitySignal } from '../../../../contracts/gate.ts';

const NOW_MS = 1_000_000;

type Said = `${ActivitySignal['source']} ${ActivitySignal['says']}`;

/** By the privileged side, a second ago; the tray window's word is the session's. */
function hear(said: Said, differs: Partial<ActivitySignal> = {}): ActivitySignal {
  const [source, says] = said.split(' ');
  const side = source === 'tray-window' ? 'session' : 'privileged';
  return ActivitySignal.parse({ source, says, side, observedAtMs: NOW_MS - 1_000, ...differs });
}

const stale = { observedAtMs: NOW_MS - SIGNAL_STALE_AFTER_MS - 1 };
const session = { side: 'session' as const };

const softphone: ActivityDesk = { features: { voice: true, vdi: false }, vantage: 'endpoint' };
const chatOnly: ActivityDesk = { features: { voice: false, vdi: false }, vantage: 'endpoint' };
const redirecting: ActivityDesk = { features: { voice: true, vdi: true }, vantage: 'endpoint' };
const guest: ActivityDesk = { features: { voice: true, vdi: false }, vantage: 'vdi-guest' };

const onCall = (...sources: ActivityJudgement['sources']): ActivityJudgement => ({ activity: 'on-call', byPrivileged: true, sources });
const claimed = (...sources: ActivityJudgement['sources']): ActivityJudgement => ({ activity: 'on-call', byPrivileged: false, sources });
const idle = (...sources: ActivityJudgement['sources']): ActivityJudgement => ({ activity: 'idle', byPrivileged: true, sources });
const unknown = (...wanting: ActivityJudgement['sources']): ActivityJudgement => ({
  activity: 'unknown',
  byPrivileged: false,
  sources: wanting,
});

const table: readonly (readonly [name: string, desk: ActivityDesk, signals: readonly ActivitySignal[], judgement: ActivityJudgement])[] = [
  ['nothing is heard', softphone, [], unknown('media-packets', 'microphone')],
  ['a call: media and microphone', softphone, [hear('media-packets on-call'), hear('microphone on-call')], onCall('media-packets')],
  [
    'a call with the microphone muted in hardware',
    softphone,
    [hear('media-packets on-call'), hear('microphone idle')],
    onCall('media-packets'),
  ],
  ['a call that Connect alone knows', softphone, [hear('connect-api on-call')], onCall('connect-api')],
  [
    'Connect lags behind a call that has begun',
    softphone,
    [hear('connect-api idle'), hear('media-packets on-call')],
    onCall('media-packets'),
  ],
  ['no media, microphone free', softphone, [hear('media-packets idle'), hear('microphone idle')], idle('media-packets', 'microphone')],
  ['no media, microphone unread', softphone, [hear('media-packets idle')], unknown('microphone')],
  ['no media, microphone unreadable', softphone, [hear('media-packets idle'), hear('microphone unknown')], unknown('microphone')],
  ['microphone free, counters unreadable', softphone, [hear('media-packets unknown'), hear('microphone idle')], unknown('media-packets')],
  ['the proof is stale in one part', softphone, [hear('media-packets idle', stale), hear('microphone idle')], unknown('media-packets')],
  [
    'two readers of one source disagree',
    softphone,
    [hear('media-packets idle'), hear('media-packets unknown'), hear('microphone idle')],
    unknown('media-packets'),
  ],
  ['a stale call', softphone, [hear('media-packets on-call', stale)], unknown('media-packets', 'microphone')],
  [
    'a call just not stale',
    softphone,
    [hear('media-packets on-call', { observedAtMs: NOW_MS - SIGNAL_STALE_AFTER_MS })],
    onCall('media-packets'),
  ],
  [
    'a call of another boot',
    softphone,
    [hear('media-packets on-call', { observedAtMs: NOW_MS + 1 })],
    unknown('media-packets', 'microphone'),
  ],
  ['the session alone says on-call', softphone, [hear('tray-window on-call')], claimed('tray-window')],
  [
    'the session says on-call against proof',
    softphone,
    [hear('media-packets idle'), hear('microphone idle'), hear('tray-window on-call')],
    claimed('tray-window'),
  ],
  [
    'the session agrees with the privileged side',
    softphone,
    [hear('tray-window on-call'), hear('media-packets on-call')],
    onCall('media-packets'),
  ],
  ['the session says idle during a call', softphone, [hear('tray-window idle'), hear('media-packets on-call')], onCall('media-packets')],
  [
    'the session’s idle proves nothing',
    softphone,
    [hear('media-packets idle', session), hear('microphone idle', session), hear('tray-window idle')],
    unknown('media-packets', 'microphone'),
  ],
  [
    'the session’s sound server says on-call',
    softphone,
    [hear('microphone on-call', session), hear('media-packets idle')],
    claimed('microphone'),
  ],
  ['the microphone alone, counters unreadable', softphone, [hear('microphone on-call')], claimed('microphone')],
  ['a page holds the microphone without media', softphone, [hear('microphone on-call'), hear('media-packets idle')], claimed('microphone')],
  [
    'a page holds the microphone, Connect knows of no contact',
    guest,
    [hear('microphone on-call'), hear('connect-api idle')],
    claimed('microphone'),
  ],
  [
    'the microphone where media does not show',
    redirecting,
    [hear('microphone on-call'), hear('media-packets idle')],
    claimed('microphone'),
  ],
  ['redirected audio: no media', redirecting, [hear('media-packets idle'), hear('microphone idle')], unknown('connect-api')],
  ['VDI guest: no media', guest, [hear('media-packets idle'), hear('microphone idle')], unknown('connect-api')],
  ['desk phone or chat only: no media', chatOnly, [hear('media-packets idle'), hear('microphone idle')], unknown('connect-api')],
  ['chat only: Connect says idle', chatOnly, [hear('connect-api idle')], idle('connect-api')],
  ['chat only: Connect’s idle by way of the session', chatOnly, [hear('connect-api idle', session)], unknown('connect-api')],
  ['VDI guest: Connect says idle', guest, [hear('connect-api idle'), hear('media-packets unknown')], idle('connect-api')],
  ['VDI guest: fallback audio shows', guest, [hear('media-packets on-call')], onCall('media-packets')],
];

describe('judgeActivity', () => {
  test.each(table)('%s', (_, desk, signals, judgement) => {
    expect(judgeActivity(signals, desk, NOW_MS)).toEqual(judgement);
    expect(judgeActivity(signals.toReversed(), desk, NOW_MS)).toEqual({
      ...judgement,
      sources: expect.arrayContaining(judgement.sources),
    });
  });

  test('the tray app cannot pass for the privileged side', () => {
    const signal = { source: 'tray-window', side: 'privileged', says: 'on-call', observedAtMs: 0 };
    expect(ActivitySignal.safeParse(signal).error?.issues[0]?.message).toBe('the tray app runs in the user’s session');
  });
});
