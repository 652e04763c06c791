import type { Args, BlindCause, Outcome } from '../../contracts/outcome.ts';
import { checkTexts } from './index.gen.ts';
import type { Locale } from './locale.ts';
import en from './ui/en.json' with { type: 'json' };
import ko from './ui/ko.json' with { type: 'json' };
import zhCN from './ui/zh-CN.json' with { type: 'json' };
import zhTW from './ui/zh-TW.json' with { type: 'json' };

export interface ReasonText {
  says: string;
  fix: string;
}

export interface CheckText {
  title: string;
  what: string;
  why: string;
  /** What settles an `inconclusive` look, where this check knows better than "try again". */
  unsure?: string;
  reasons: Readonly<Record<string, ReasonText>>;
}

/** The texts of one check. `who` is `agent` or `it` by reason; typed as string, since that is what JSON imports give. */
export interface CheckTexts extends Readonly<Record<Locale, CheckText>> {
  who: Readonly<Record<string, string>>;
}

export type UiKey = keyof typeof en;
export type Who = 'agent' | 'it';

/** What an outcome means to a person: what is so, what to do about it, and who does it. */
export interface OutcomeText {
  says: string;
  fix: string | null;
  who: Who | null;
}

export interface Texts {
  readonly locale: Locale;
  title(check: string): string;
  what(check: string): string;
  why(check: string): string;
  unsure(check: string): string | null;
  outcome(check: string, outcome: Outcome): OutcomeText;
  /** The text of a reason with its `{arg}` left in place. */
  reason(check: string, reason: string): OutcomeText;
  ui(key: UiKey, args?: Args): string;
}

type UiTexts = Readonly<Partial<Record<string, string>>>;
const uiTexts: Readonly<Record<Locale, UiTexts>> = { en, 'zh-TW': zhTW, 'zh-CN': zhCN, ko };

const whoMendsBlindness: Readonly<Record<BlindCause, Who>> = {
  denied: 'it',
  'timed-out': 'it',
  'tool-missing': 'it',
  unreadable: 'it',
  'no-session': 'agent',
  crashed: 'it',
  inconclusive: 'it',
  unsupported: 'it',
  'not-collected': 'it',
};

/** Texts in one language; what is missing there comes in English, and what is missing in English is the bare code. */
export function textsFor(locale: Locale, all: Readonly<Record<string, CheckTexts>> = checkTexts): Texts {
  const own = (check: string) => (Object.hasOwn(all, check) ? all[check] : undefined);
  const pick = (check: string, read: (text: CheckText) => string | undefined) => {
    const texts = own(check);
    return texts && (read(texts[locale]) ?? read(texts.en));
  };
  const ui = (key: string, args: Args) => fillIn(uiTexts[locale][key] ?? uiTexts.en[key] ?? key, args);

  const reasonOf = (check: string, reason: string): OutcomeText => {
    const part = (name: keyof ReasonText) =>
      pick(check, ({ reasons }) => (Object.hasOwn(reasons, reason) ? reasons[reason]?.[name] : undefined));
    const who = own(check)?.who[reason];
    return {
      says: part('says') ?? ui('outcome.unexplained', { reason }),
      fix: part('fix') ?? null,
      who: who === 'agent' || who === 'it' ? who : null,
    };
  };

  const unsure = (check: string) => pick(check, (text) => text.unsure) ?? null;

  return {
    locale,
    title: (check) => pick(check, (text) => text.title) ?? check,
    what: (check) => pick(check, (text) => text.what) ?? '',
    why: (check) => pick(check, (text) => text.why) ?? '',
    unsure,
    reason: reasonOf,
    outcome(check, outcome) {
      switch (outcome.kind) {
        case 'pass':
          return { says: ui('outcome.pass', {}), fix: null, who: null };
        case 'not-applicable':
          return { says: ui(`not-applicable.${outcome.because}`, {}), fix: null, who: null };
        case 'unknown':
          return {
            says: ui(`unknown.${outcome.cause}`, {}),
            fix: (outcome.cause === 'inconclusive' ? unsure(check) : null) ?? ui(`unknown.${outcome.cause}.fix`, {}),
            who: whoMendsBlindness[outcome.cause],
          };
        default: {
          const text = reasonOf(check, outcome.reason);
          return { ...text, says: fillIn(text.says, outcome.args), fix: text.fix === null ? null : fillIn(text.fix, outcome.args) };
        }
      }
    },
    ui: (key, args = {}) => ui(key, args),
  };
}

function fillIn(template: string, args: Args): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(args, name) ? String(args[name]) : whole));
}
