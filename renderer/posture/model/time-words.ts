import type { Locale } from '../../../checks/texts/locale.ts';

/** Times as the reader's language writes them, of 12 or 24 hours, in this computer's time zone. */
export interface TimeWords {
  /** The time alone on the day of `now`, and with the date on any other. The tray's menu and notices say it alike. */
  clock(at: string | Date, now: Date): string;
  /** The time alone, whatever the day. */
  hour(at: string | Date): string;
  date(at: string | Date): string;
  /** How long until then, in the largest fitting unit; never negative. */
  left(at: string | Date, now: Date): string;
  /** A length of time, rounded to minutes from a minute on. */
  length(ms: number): string;
  number(value: number, digits?: number): string;
}

const MINUTE_MS = 60_000;
/** The last two minutes are counted in seconds. */
const SECONDS_BELOW_MS = 2 * MINUTE_MS;

export function timeWords(locale: Locale, timeZone?: string): TimeWords {
  const zone = timeZone === undefined ? {} : { timeZone };
  const clock = new Intl.DateTimeFormat(locale, { ...zone, timeStyle: 'short' });
  const full = new Intl.DateTimeFormat(locale, { ...zone, dateStyle: 'medium', timeStyle: 'short' });
  const date = new Intl.DateTimeFormat(locale, { ...zone, dateStyle: 'medium' });
  const unit = (value: number, name: string) =>
    new Intl.NumberFormat(locale, { style: 'unit', unit: name, unitDisplay: locale === 'en' ? 'short' : 'long' }).format(value);
  const asDate = (at: string | Date) => new Date(at);

  const length = (ms: number) => {
    if (ms < SECONDS_BELOW_MS) return unit(Math.max(0, Math.ceil(ms / 1_000)), 'second');
    const minutes = Math.ceil(ms / MINUTE_MS);
    if (minutes < 120) return unit(minutes, 'minute');
    const hours = Math.floor(minutes / 60);
    return minutes % 60 === 0 ? unit(hours, 'hour') : `${unit(hours, 'hour')} ${unit(minutes % 60, 'minute')}`;
  };

  return {
    clock: (at, now) => (date.format(asDate(at)) === date.format(now) ? clock : full).format(asDate(at)),
    hour: (at) => clock.format(asDate(at)),
    date: (at) => date.format(asDate(at)),
    left: (at, now) => length(asDate(at).getTime() - now.getTime()),
    length,
    number: (value, digits = 0) => new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value),
  };
}
