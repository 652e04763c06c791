import { type Locale, matchLocale } from '../../checks/texts/locale.ts';
import type { Topic } from './help.ts';
import { usageMessages as say } from './messages.ts';
import { type Given, readOptions } from './options.ts';

/** What the arguments are checked against. */
export interface Known {
  checks: readonly string[];
  regions: readonly string[];
}

/** How the answer is shown. */
export interface Style {
  lang: Locale | null;
  color: boolean;
}

/** Thrown by the readers of arguments, and caught by `parseArguments`: what is wrong with them. */
export class Misuse extends Error {
  readonly see: string;
  constructor(message: string, see: string) {
    super(message);
    this.see = see;
  }
}

export function misuse(topic: Topic, message: string): Misuse {
  return new Misuse(message, say.seeHelp(topic));
}

export function read(topic: Topic, argv: readonly string[], options: Parameters<typeof readOptions>[1]): Given {
  const given = readOptions(argv, options);
  if (!given.ok) throw misuse(topic, given.message);
  return given.given;
}

export function parseStyle(topic: Topic, { flags, values }: Given): Style {
  return { lang: parseLang(topic, values.get('lang')), color: !flags.has('no-color') };
}

function parseLang(topic: Topic, given: string | undefined): Locale | null {
  if (given === undefined) return null;
  const locale = matchLocale(given);
  if (locale === null) throw misuse(topic, say.unknownLanguage(given));
  return locale;
}

export function onePositional(topic: Topic, name: string, positionals: readonly string[]): string {
  const [first, second] = positionals;
  if (first === undefined) throw misuse(topic, say.missingArgument(name));
  if (second !== undefined) throw misuse(topic, say.unexpected(second));
  return first;
}

export function noPositionals(topic: Topic, { positionals }: Given): void {
  const [first] = positionals;
  if (first !== undefined) throw misuse(topic, say.unexpected(first));
}

export function neededValue(topic: Topic, { values }: Given, option: string): string {
  const value = values.get(option);
  if (value === undefined) throw misuse(topic, say.missingArgument(`--${option}`));
  return value;
}
