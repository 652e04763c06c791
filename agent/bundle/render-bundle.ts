import { safeJson } from '../cli/clean-text.ts';
import { redact } from './redact.ts';

/** Stands first in every bundle. */
const about = [
  'Support bundle of Deskwarden. Read it before you pass it on.',
  'Taken out: private keys, tickets, codes, passwords, tokens, proxy credentials, and the names of users in paths.',
  'Left in, since nobody could help without: internal addresses and host names, the alias of the Connect instance, the policy in force, what the checks found, names of certificates, and the log.',
];

/** One JSON document in which every section is redacted. A section that is a list has one line for each of its items. */
export function renderBundle(sections: Readonly<Record<string, unknown>>): string {
  const redacted = redact({ about, ...sections }) as Record<string, unknown>;
  const rendered = Object.entries(redacted).map(([name, value]) => {
    const text = Array.isArray(value) && value.length > 0 ? `[\n${value.map((item) => safeJson(item)).join(',\n')}\n]` : safeJson(value, 2);
    return `${safeJson(name)}: ${text}`;
  });
  return `{\n${rendered.join(',\n')}\n}\n`;
}
