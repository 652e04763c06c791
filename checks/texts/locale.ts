export const locales = ['en', 'zh-TW', 'zh-CN', 'ko'] as const;
export type Locale = (typeof locales)[number];

/** Where Chinese is written in the traditional script unless the tag says otherwise. */
const traditionalRegions = new Set(['tw', 'hk', 'mo']);

/** Takes BCP 47 tags and POSIX locale names (`ko_KR.UTF-8`); null for a language we do not have. */
export function matchLocale(requested: string): Locale | null {
  const [language, ...rest] = requested
    .trim()
    .toLowerCase()
    .replace(/[.@].*$/, '')
    .split(/[-_]/);
  switch (language) {
    case 'en':
      return 'en';
    case 'ko':
      return 'ko';
    case 'zh':
      if (rest.includes('hant')) return 'zh-TW';
      if (rest.includes('hans')) return 'zh-CN';
      return rest.some((part) => traditionalRegions.has(part)) ? 'zh-TW' : 'zh-CN';
    default:
      return null;
  }
}

export function pickLocale(requested: string | undefined): Locale {
  return (requested === undefined ? null : matchLocale(requested)) ?? 'en';
}
