import { expect, it } from 'vitest';
import { locales } from '../../../checks/texts/locale.ts';
import { textsFor } from '../../../checks/texts/lookup.ts';
import { BlindCause } from '../../../contracts/outcome.ts';

/** What only a terminal has, in each language: the same words stand on a card that an agent reads. */
const ofTerminal = { en: /\boutput\b|\brun\b/i, 'zh-TW': /輸出/, 'zh-CN': /输出/, ko: /출력/ };

it.each(locales)('what could not be looked at is told so that it fits a terminal and a card: %s', (locale) => {
  for (const cause of BlindCause.options) {
    const { says, fix } = textsFor(locale).outcome('network.dns', { kind: 'unknown', cause, detail: '' });
    expect(`${says} ${fix ?? ''}`, cause).not.toMatch(ofTerminal[locale]);
  }
});
