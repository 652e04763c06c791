import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalog } from '../../../checks/catalog.ts';
import { locales } from '../../../checks/texts/locale.ts';
import type { DaemonLink } from '../../../contracts/ipc.ts';
import { clockWords } from '../../../main/tray/times.ts';
import { dayEntries, strip, watchedUntilNow } from '../../../renderer/posture/model/day.ts';
import { evidenceRows } from '../../../renderer/posture/model/evidence-rows.ts';
import { gradeOf, plotRange, series } from '../../../renderer/posture/model/quality.ts';
import { stepsFor } from '../../../renderer/posture/model/steps.ts';
import { timeWords } from '../../../renderer/posture/model/time-words.ts';
import { uniqueKeys } from '../../../renderer/posture/model/unique-keys.ts';
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

  it('says the hour as the language has it, of 12 or 24 hours, wherever it says one', () => {
    const late = '2026-03-03T20:05:00.000Z';
    // How a language names the halves of a day changes with its data.
    expect(locales.map((locale) => /20:05|8:05/.exec(words(locale).clock(late, NOW))?.[0])).toEqual(['8:05', '8:05', '20:05', '8:05']);
    for (const locale of locales) {
      const { clock, hour } = words(locale);
      expect(clock(late, NOW)).toBe(hour(late));
      expect(clock(late, new Date(at(-24 * 60)))).toContain(hour(late));
    }
  });

  it('is said alike by the tray and by the window', () => {
    const { clock } = timeWords('en');
    for (const minutes of [-48 * 60, -24 * 60 - 1, -11 * 60, -1, 0, 1, 11 * 60, 15 * 60, 23 * 60, 48 * 60]) {
      for (const locale of locales)
        expect(clockWords(at(minutes), NOW, locale), `${locale} ${minutes}`).toBe(timeWords(locale).clock(at(minutes), NOW));
    }
    expect(clock(at(0), NOW)).not.toContain('2026');
  });

  it('speaks each language', () => {
    expect(locales.map((locale) => plain(words(locale).left(at(12), NOW)))).toEqual(['12 min', '12 分鐘', '12分钟', '12분']);
  });
});

describe('the strip of a day', () => {
  const span = { fromMs: Date.parse(at(-60)), toMs: NOW.getTime() };
  const change = (minutes: number, standing: 'clear' | 'blocked') => ({ at: at(minutes), standing, causes: [checkId('network.dns')] });
  const spans = (...minutes: [number, number][]) => minutes.map(([from, to]) => ({ from: at(from), to: at(to) }));
  const asMs = (...minutes: [number, number][]) =>
    minutes.map(([from, to]) => ({ fromMs: Date.parse(at(from)), toMs: Date.parse(at(to)) }));
  const minuteOf = (ms: number) => (ms - NOW.getTime()) / 60_000;
  const minutes = (stretches: ReturnType<typeof strip>) =>
    stretches.map(({ stood, fromMs, toMs }) => [stood, minuteOf(fromMs), minuteOf(toMs)]);
  const allDay = asMs([-600, 0]);

  it('has no gaps, begins with what held before, and joins neighbours that are alike', () => {
    const changes = [change(-90, 'clear'), change(-40, 'blocked'), change(-30, 'blocked'), change(-10, 'clear')];
    expect(minutes(strip(changes, allDay, span))).toEqual([
      ['clear', -60, -40],
      ['blocked', -40, -10],
      ['clear', -10, 0],
    ]);
  });

  it('says where nothing is known', () => {
    expect(minutes(strip([change(-20, 'clear')], allDay, span))).toEqual([
      ['unknown', -60, -20],
      ['clear', -20, 0],
    ]);
    expect(minutes(strip([], allDay, span))).toEqual([['unknown', -60, 0]]);
  });

  it('draws no standing while nobody watched, and the same one after it only where somebody does again', () => {
    expect(minutes(strip([change(-90, 'clear'), change(-20, 'blocked')], asMs([-90, -50], [-30, -5]), span))).toEqual([
      ['clear', -60, -50],
      ['not-watched', -50, -30],
      ['clear', -30, -20],
      ['blocked', -20, -5],
      ['not-watched', -5, 0],
    ]);
    expect(minutes(strip([change(-90, 'clear')], [], span))).toEqual([['not-watched', -60, 0]]);
  });

  it('covers the window once and in order, whatever is known', () => {
    const minute = fc.integer({ min: -120, max: 30 });
    const anyChanges = fc.array(fc.tuple(minute, fc.constantFrom('clear' as const, 'blocked' as const)), { maxLength: 8 });
    const anySpans = fc.uniqueArray(minute, { maxLength: 8 });
    fc.assert(
      fc.property(anyChanges, anySpans, (changes, edges) => {
        const sorted = [...edges].sort((a, b) => a - b);
        const watched = asMs(
          ...sorted.flatMap((from, index): [number, number][] => (index % 2 === 0 ? [[from, sorted[index + 1] ?? from]] : [])),
        );
        const inOrder = [...changes].sort(([a], [b]) => a - b).map(([minutes, standing]) => change(minutes, standing));
        const drawn = strip(inOrder, watched, span);
        expect([drawn[0]?.fromMs, drawn.at(-1)?.toMs]).toEqual([span.fromMs, span.toMs]);
        for (const [index, stretch] of drawn.entries()) {
          expect(stretch.fromMs).toBe(drawn[index - 1]?.toMs ?? span.fromMs);
          expect(stretch.toMs).toBeGreaterThan(stretch.fromMs);
          const isWatched = watched.some(({ fromMs, toMs }) => fromMs < toMs && fromMs < stretch.toMs && stretch.fromMs < toMs);
          expect(stretch.stood !== 'not-watched', JSON.stringify(stretch)).toBe(isWatched);
        }
      }),
    );
  });

  describe('is watched until', () => {
    const last = (link: DaemonLink, heard: number | null, toMinute = -1) => {
      const { toMs = 0 } = watchedUntilNow(spans([-90, toMinute]), link, heard === null ? null : at(heard), NOW).at(-1) ?? {};
      return minuteOf(toMs);
    };
    it('now, while the service is there', () => expect(last('connected', -0.5)).toBe(0));
    it('it was last heard, once it is lost', () => {
      expect(last('reconnecting', -0.5)).toBe(-0.5);
      expect(last('absent', -40, -41)).toBe(-40);
    });
    it('its own last word, where what is said now is of a later time', () => {
      expect(last('connected', -0.5, -30)).toBe(-30);
      expect(last('connected', -30, -31)).toBe(-30);
      expect(last('connected', null)).toBe(-1);
    });
  });

  it('lists the changes inside it and when nobody watched, newest first', () => {
    const changes = [change(-90, 'clear'), change(-40, 'blocked'), change(-10, 'clear')];
    const stretches = strip(changes, asMs([-90, -30], [-20, -5]), span);
    expect(dayEntries(changes, stretches, span).map(({ at, stood, until }) => [at, stood, until])).toEqual([
      [at(-5), 'not-watched', null],
      [at(-10), 'clear', null],
      [at(-30), 'not-watched', at(-20)],
      [at(-40), 'blocked', null],
    ]);
  });

  it('tells two entries of one millisecond apart', () => {
    const changes = [change(-10, 'clear'), change(-10, 'blocked'), change(-10, 'clear')];
    const keys = dayEntries(changes, strip(changes, allDay, span), span).map(({ key }) => key);
    expect(new Set(keys).size).toBe(3);
    // What is added later leaves the others their keys.
    const more = [...changes, change(-5, 'blocked')];
    expect(
      dayEntries(more, strip(more, allDay, span), span)
        .map(({ key }) => key)
        .slice(1),
    ).toEqual(keys);
  });
});

it('keys are told apart from those before them', () => {
  expect(uniqueKeys(['a', 'b', 'a', 'a'])).toEqual(['a 0', 'b 0', 'a 1', 'a 2']);
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
