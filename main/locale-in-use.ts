import { type Locale, matchLocale } from '../checks/texts/locale.ts';
import type { LocaleChoice } from '../contracts/ipc.ts';

/** @param preferred of the operating system, the most wanted first */
export function localeInUse(choice: LocaleChoice, preferred: readonly string[]): Locale {
  if (choice !== 'auto') return choice;
  return preferred.flatMap((tag) => matchLocale(tag) ?? []).at(0) ?? 'en';
}
