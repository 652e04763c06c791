import stringWidth from 'string-width';
import { z } from 'zod';
import type { AnyCheck } from '../../checks/check.ts';
import type { Texts } from '../../checks/texts/lookup.ts';
import { Domain } from '../../contracts/finding.ts';
import { paint, type TerminalFacts, textWidth } from './terminal.ts';
import { padEnd, wrap } from './wrap.ts';

/** The catalogue for a person, by domain. */
export function renderCheckList(checks: readonly AnyCheck[], texts: Texts, facts: TerminalFacts): string {
  const idWidth = Math.max(0, ...checks.map(({ id }) => stringWidth(id))) + 2;
  const lines = Domain.options.flatMap((domain) => {
    const members = checks.filter(({ id }) => id.startsWith(`${domain}.`));
    if (members.length === 0) return [];
    const rows = members.flatMap(({ id }) => {
      const title = texts.title(id);
      const told = wrap(title === id ? '' : title, Math.max(10, textWidth(facts) - idWidth - 2));
      return told.map((line, index) => `  ${padEnd(index === 0 ? id : '', idWidth)}${line}`.trimEnd());
    });
    return ['', paint(facts, 'strong', texts.ui(`domain.${domain}`)), ...rows];
  });
  return `${lines.slice(1).join('\n')}\n`;
}

/** The catalogue for programs. */
export function describeChecks(checks: readonly AnyCheck[], texts: Texts) {
  return checks.map(
    ({ id, revision, venue, layer, responsibility, area, controls, timeoutMs, needs, platforms, reasons, rule, params }) => ({
      id,
      revision,
      title: texts.title(id),
      what: texts.what(id),
      venue,
      platforms,
      layer,
      responsibility,
      area,
      controls,
      needs,
      timeoutMs,
      reasons,
      rule,
      params: z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }),
    }),
  );
}
