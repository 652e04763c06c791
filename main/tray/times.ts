import type { Locale } from '../../checks/texts/locale.ts';

const MINUTE_MS = 60_000;

/** The time alone on the day of `now`, and with the date on any other: as the posture window says it, and a test holds the two together. */
export function clockWords(at: string, now: Date, locale: Locale): string {
  const isToday = new Date(at).toDateString() === now.toDateString();
  const style = isToday ? ({ timeStyle: 'short' } as const) : ({ dateStyle: 'medium', timeStyle: 'short' } as const);
  return new Intl.DateTimeFormat(locale, style).format(new Date(at));
}

/** Whole minutes, rounded up: a menu is not watched by the second. */
export function leftWords(at: string, now: Date, locale: Locale): string {
  const minutes = Math.max(1, Math.ceil((Date.parse(at) - now.getTime()) / MINUTE_MS));
  const [value, unit] = minutes < 120 ? [minutes, 'minute'] : [Math.ceil(minutes / 60), 'hour'];
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: locale === 'en' ? 'short' : 'long' }).format(value);
}
