import stringWidth from 'string-width';
import { z } from 'zod';
import type { AnyCheck } from '../../checks/check.ts';
import type { Texts, UiKey } from '../../checks/texts/lookup.ts';
import { cleanText } from './clean-text.ts';
import { toldTo } from './finding-text.ts';
import { dot, paint, type TerminalFacts, textWidth } from './terminal.ts';
import { padEnd, wrap } from './wrap.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** One check told to a person: what, why, what it may find and who mends it, its parameters and evidence. */
export function renderExplanation(check: AnyCheck, texts: Texts, facts: TerminalFacts): string {
  const ui = texts.ui;
  const width = textWidth(facts);
  const lines: string[] = [`${paint(facts, 'strong', texts.title(check.id))}  ${paint(facts, 'dim', check.id)}`];
  const flow = (text: string, lead = '  ', indent = lead) => {
    for (const [index, line] of wrap(text, width - stringWidth(indent)).entries()) lines.push((index === 0 ? lead : indent) + line);
  };
  const heading = (key: UiKey) => lines.push('', paint(facts, 'strong', ui(key)));
  const pairs = (all: readonly (readonly [string, string])[]) => {
    const labelWidth = Math.min(28, Math.max(...all.map(([label]) => stringWidth(label)))) + 2;
    for (const [label, text] of all) {
      const lead = `  ${padEnd(label, labelWidth)}`;
      if (stringWidth(label) >= labelWidth) {
        lines.push(`  ${label}`);
        flow(text, ' '.repeat(labelWidth + 2));
      } else if (text === '') lines.push(lead.trimEnd());
      else flow(text, lead, ' '.repeat(labelWidth + 2));
    }
  };

  if (texts.what(check.id) !== '') {
    heading('explain.what');
    flow(texts.what(check.id));
  }
  if (texts.why(check.id) !== '') {
    heading('explain.why');
    flow(texts.why(check.id));
  }

  heading('explain.reasons');
  for (const reason of check.reasons) {
    const { says, fix, who } = texts.reason(check.id, reason);
    if (lines.at(-1) !== '' && reason !== check.reasons[0]) lines.push('');
    lines.push(`  ${reason}`);
    flow(cleanText(says), '    ');
    if (fix !== null) flow(toldTo(texts, who, cleanText(fix)), '    ');
  }

  const unsure = texts.unsure(check.id);
  if (unsure !== null) {
    heading('explain.unsure');
    flow(unsure);
  }

  heading('explain.facts');
  const none = ui('explain.none');
  const seconds = (ms: number) => ui('explain.seconds', { seconds: ms / 1000 });
  pairs([
    [ui('explain.venue'), ui(`venue.${check.venue}`)],
    [ui('explain.platforms'), check.platforms.map((platform) => ui(`platform.${platform}`)).join(ui('list.separator'))],
    [ui('explain.layer'), ui(`layer.${check.layer}`)],
    [ui('explain.responsibility'), ui(`responsibility.${check.responsibility}`)],
    [ui('explain.area'), ui(`area.${check.area}`)],
    [ui('explain.controls'), check.controls.join(', ') || none],
    [ui('explain.needs'), check.needs.join(', ') || none],
    [ui('explain.deadline'), seconds(check.timeoutMs)],
  ]);

  heading('explain.recommended');
  const { everyMs, settleMs, graceMs, on } = check.rule;
  pairs([
    [ui('explain.every'), seconds(everyMs)],
    [ui('explain.settle'), seconds(settleMs)],
    [ui('explain.grace'), seconds(graceMs)],
    ...(['fail', 'degraded', 'unknown'] as const).map((kind) => [ui(`outcome.${kind}`), ui(`enforcement.${on[kind]}`)] as const),
  ]);

  const params = fieldsOf(jsonSchema(check.params, 'input'), '', 2);
  if (params.length > 0) {
    heading('explain.params');
    pairs(params.map(({ name, schema }) => [name, describe(schema, texts, facts)]));
  }
  const evidence = fieldsOf(jsonSchema(check.evidence, 'output'), '', 2);
  if (evidence.length > 0) {
    heading('explain.evidence');
    pairs(evidence.map(({ name, schema }) => [name, describe(schema, texts, facts)]));
  }
  return `${lines.join('\n')}\n`;
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' });
}

interface Field {
  name: string;
  schema: JsonSchema;
}

/** Properties by name, those of list items as `list[].name`; deeper than `depth` they are left to the schema. */
function fieldsOf(schema: JsonSchema, prefix: string, depth: number): Field[] {
  if (depth === 0) return [];
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    if (typeof property === 'boolean') return [];
    const name = `${prefix}${key}`;
    const { items } = property;
    const inner =
      typeof items === 'object' && !Array.isArray(items)
        ? fieldsOf(items, `${name}[].`, depth - 1)
        : fieldsOf(property, `${name}.`, depth - 1);
    return [{ name, schema: property }, ...inner];
  });
}

function describe(schema: JsonSchema, texts: Texts, facts: TerminalFacts): string {
  const parts = [schema.description ?? typeOf(schema)];
  if (schema.default !== undefined) parts.push(texts.ui('explain.default', { value: JSON.stringify(schema.default) }));
  return parts.filter((part) => part !== '').join(dot(facts));
}

function typeOf(schema: JsonSchema): string {
  if (schema.enum) return schema.enum.map(String).join(' | ');
  if (schema.const !== undefined) return String(schema.const);
  if (Array.isArray(schema.type)) return schema.type.join(' | ');
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return [...new Set(options.map((option) => (typeof option === 'boolean' ? '' : typeOf(option))))].join(' | ');
  return schema.type ?? '';
}
