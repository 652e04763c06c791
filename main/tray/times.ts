import type { Locale } from '../../checks/texts/locale.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** The time of day; with the date where it is not of the next 24 hours. */
export function clockWords(at: string, now: Date, locale: Locale): string {
  const isNear = Math.abs(Date.parse(at) - now.getTime()) < DAY_MS;
  const style = isNear ? ({ hour: 'numeric', minute: '2-digit' } as const) : ({ dateStyle: 'medium', timeStyle: 'short' } as const);
  return new Intl.DateTimeFormat(locale, style).format(new Date(at));
}

/** Whole minutes, rounded up: a menu is not watched by the second. */
export function leftWords(at: string, now: Date, locale: Locale): string {
  const minutes = Math.max(1, Math.ceil((Date.parse(at) - now.getTime()) / MINUTE_MS));
  const [value, unit] = minutes < 120 ? [minutes, 'minute'] : [Math.ceil(minutes / 60), 'hour'];
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: locale === 'en' ? 'short' : 'long' }).format(value);
}
