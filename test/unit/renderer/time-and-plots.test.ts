import { describe, expect, it } from 'vitest';
import { catalog } from '../../../checks/catalog.ts';
import { locales } from '../../../checks/texts/locale.ts';
import { changesOfDay, strip } from '../../../renderer/posture/model/day.ts';
import { evidenceRows } from '../../../renderer/posture/model/evidence-rows.ts';
import { gradeOf, plotRange, series } from '../../../renderer/posture/model/quality.ts';
import { stepsFor } from '../../../renderer/posture/model/steps.ts';
import { timeWords } from '../../../renderer/posture/model/time-words.ts';
import { at, checkId, NOW } from '../../e2e/posture/desk-states.ts';

const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, ' ');
const sample = (minutes: number, rttMs: number | null = 50) => ({ at: at(minutes), rttMs, jitterMs: 2, lossPercent: 0, mos: 4.3 });

describe('timeWords', () => {
  const words = (locale: (typeof locales)[number]) => timeWords(locale, 'UTC');

  it.each([
    [-5, '0 sec'],
    [1.5, '90 sec'],
    [2, '2 min'],
    [11.2, '12 min'],
    [120, '2 hr'],
    [125, '2 hr 5 min'],
  ])('%s min from now is %s', (minutes, expected) => {
    expect(words('en').left(at(minutes), NOW)).toBe(expected);
  });

  it('says the hour alone today, and the date with it on any other day', () => {
    expect(plain(words('en').clock(at(10), NOW))).toBe('10:30 AM');
    expect(plain(words('en').clock(at(-24 * 60), NOW))).toBe('Mar 2, 2026, 10:20 AM');
    expect(plain(words('en').hour(at(-24 * 60)))).toBe('10:20 AM');
  });

  it('speaks each language', () => {
    expect(locales.map((locale) => plain(words(locale).left(at(12), NOW)))).toEqual(['12 min', '12 分鐘', '12分钟', '12분']);
  });
});

describe('the strip of a day', () => {
  const span = { fromMs: Date.parse(at(-60)), toMs: NOW.getTime() };
  const change = (minutes: number, standing: 'clear' | 'blocked') => ({ at: at(minutes), standing, causes: [checkId('network.dns')] });
  const minutes = (stretches: ReturnType<typeof strip>) =>
    stretches.map(({ standing, fromMs, toMs }) => [standing, (fromMs - NOW.getTime()) / 60_000, (toMs - NOW.getTime()) / 60_000]);

  it('has no gaps, begins with what held before, and joins neighbours that are alike', () => {
    expect(minutes(strip([change(-90, 'clear'), change(-40, 'blocked'), change(-30, 'blocked'), change(-10, 'clear')], span))).toEqual([
      ['clear', -60, -40],
      ['blocked', -40, -10],
      ['clear', -10, 0],
    ]);
  });

  it('says where nothing is known', () => {
    expect(minutes(strip([change(-20, 'clear')], span))).toEqual([
      [null, -60, -20],
      ['clear', -20, 0],
    ]);
    expect(minutes(strip([], span))).toEqual([[null, -60, 0]]);
  });

  it('lists the changes inside it, newest first', () => {
    expect(changesOfDay([change(-90, 'clear'), change(-40, 'blocked'), change(-10, 'clear')], span).map((one) => one.at)).toEqual([
      at(-10),
      at(-40),
    ]);
  });
});

describe('plots', () => {
  it('break where nobody looked, and where nothing came back', () => {
    const [times, values] = series([sample(-200), sample(-120), sample(-100, null)], 'rttMs');
    expect(values).toEqual([50, null, 50, null]);
    expect(times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0))).toBe(true);
  });

  it('grade a score downwards and everything else upwards, limits included as good', () => {
    expect([4, 3.6, 3.5, 3].map((mos) => gradeOf('mos', mos, { warn: 3.6, fail: 3.1 }))).toEqual(['good', 'good', 'fair', 'poor']);
    expect([300, 301, 601].map((rtt) => gradeOf('rttMs', rtt, { warn: 300, fail: 600 }))).toEqual(['good', 'fair', 'poor']);
  });

  it('show the limit above good values, and one outage does not flatten the rest', () => {
    expect(plotRange('rttMs', [40, null], { warn: 300, fail: 600 })).toEqual([0, 375]);
    expect(plotRange('lossPercent', [0, 100], { warn: 1, fail: 5 })).toEqual([0, 15]);
  });
});

describe('evidence', () => {
  it('is told leaf by leaf, and its length is bounded', () => {
    expect(evidenceRows({ host: 'a', tcp: { error: null }, lists: [[], [{ ms: 2 }]] })).toEqual({
      rows: [
        { path: 'host', value: 'a' },
        { path: 'tcp.error', value: '–' },
        { path: 'lists.0', value: '–' },
        { path: 'lists.1.0.ms', value: '2' },
      ],
      left: 0,
    });
    const { rows, left } = evidenceRows(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, 'x'.repeat(999)])));
    expect([rows.length, left, rows[0]?.value.length]).toEqual([60, 40, 301]);
    expect(evidenceRows(null)).toEqual({ rows: [], left: 0 });
  });
});

describe('stepsFor', () => {
  const failed = (reason: string) => ({ kind: 'fail', reason, args: {} }) as const;
  it('leads to this operating system’s own settings', () => {
    expect(stepsFor('tls.clock-skew', failed('clock-behind'), 'darwin')).toBe('app.steps.clock.darwin');
    expect(stepsFor('network.turn-udp', failed('no-route'), 'linux')).toBe('app.steps.link.linux');
    expect(stepsFor('network.turn-udp', failed('udp-blocked'), 'linux')).toBeNull();
    expect(stepsFor('tls.clock-skew', { kind: 'pass' }, 'linux')).toBeNull();
  });
  it('speaks of reasons that exist', () => {
    const found = catalog.flatMap((check) =>
      check.reasons.filter((reason) => stepsFor(check.id, failed(reason), 'win32') !== null).map((reason) => `${check.id} ${reason}`),
    );
    expect(found.filter((id) => !id.startsWith('softphone.')).sort()).toEqual([
      'network.allowlist-domains no-route',
      'network.allowlist-freshness from-the-future',
      'network.media-quality jitter',
      'network.media-quality loss',
      'network.media-quality mos',
      'network.turn-udp no-route',
      'tls.clock-skew clock-ahead',
      'tls.clock-skew clock-behind',
      'tls.handshake not-yet-valid',
    ]);
  });
});
