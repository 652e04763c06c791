import type { Texts, Who } from '../../checks/texts/lookup.ts';
import type { CheckId, RuleId } from '../../contracts/finding.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import { cleanText } from './clean-text.ts';

/** The check's title; a second rule of the same check shows its own id too. */
export function titleOf(texts: Texts, rule: RuleId, check: CheckId): string {
  const title = texts.title(check);
  return String(rule) === String(check) ? title : `${title} (${rule})`;
}

/** What an outcome says, safe to show; where it could not look, also what stood in the way. */
export function saysOf(texts: Texts, check: CheckId, outcome: Outcome): string {
  const says = cleanText(texts.outcome(check, outcome).says);
  const detail = outcome.kind === 'unknown' ? cleanText(outcome.detail) : '';
  return detail === '' ? says : `${says} (${detail})`;
}

/** What to do, with who does it before it. */
export function toldTo(texts: Texts, who: Who | null, fix: string): string {
  return who === null ? fix : texts.ui('label.colon', { label: texts.ui(`who.${who}`), text: fix });
}
