import stringWidth from 'string-width';
import type { Texts } from '../../checks/texts/lookup.ts';
import type { CheckId, RuleId } from '../../contracts/finding.ts';
import { isBad, type Outcome } from '../../contracts/outcome.ts';
import type { Progress } from '../../contracts/progress.ts';
import { cleanText } from './clean-text.ts';
import { titleOf } from './finding-text.ts';
import { glyph, type Mark, paint, type TerminalFacts, textWidth } from './terminal.ts';
import { padEnd, truncate } from './wrap.ts';

/** What was not good in the rounds before this one is probed again. */
const LAST_ROUND = 2;

type EndpointEvent = Extract<Progress, { kind: 'endpoint' }>;

/** What a run has told so far. */
export interface RunState {
  /** By `host:port/protocol`, the last step heard of. */
  endpoints: ReadonlyMap<string, EndpointEvent>;
  rules: ReadonlyMap<RuleId, RuleState>;
  notRun: readonly RuleId[];
}

export interface RuleState {
  check: CheckId;
  outcome: Outcome | null;
  /** Of the last finding; later rounds confirm what was not good. */
  round: number;
}

export const noState: RunState = { endpoints: new Map(), rules: new Map(), notRun: [] };

export function tell(state: RunState, event: Progress): RunState {
  switch (event.kind) {
    case 'started':
      return {
        ...state,
        rules: new Map(event.rules.map(({ rule, check }) => [rule, { check, outcome: null, round: 0 }])),
        notRun: event.notRun,
      };
    case 'endpoint':
      return { ...state, endpoints: new Map(state.endpoints).set(event.endpoint, event) };
    case 'finding': {
      const { rule, check, outcome } = event.finding;
      return { ...state, rules: new Map(state.rules).set(rule, { check, outcome, round: event.round }) };
    }
    default:
      return state;
  }
}

export function outcomeMark(outcome: Outcome): Mark {
  return outcome.kind === 'degraded' ? 'warn' : outcome.kind;
}

interface Row {
  mark: Mark;
  name: string;
  /** The end of the name that stays when the rest is cut: a port. */
  tail: string;
  about: string;
  /** Kept first when not all rows fit: what goes on or went wrong tells more than what is fine. */
  urgency: number;
}

/** The live area: never more lines than the window holds, never wider than it is. */
export function liveLines(state: RunState, texts: Texts, facts: TerminalFacts): string[] {
  const rules = [...state.rules].map(([rule, one]) => ruleRow(rule, one, texts));
  const endpoints = [...state.endpoints.values()].map((event) => endpointRow(event, texts));
  const done = [...state.rules.values()].filter(({ outcome }) => outcome !== null).length;
  const count = texts.ui('progress.count', { done, total: state.rules.size });
  const heading = truncate(`${texts.ui('progress.heading')}  ${count}`, textWidth(facts) - 2, '');

  // The heading, the gap and the line that the cursor waits on.
  const room = Math.max(2, facts.rows - 3);
  const forRules = Math.min(rules.length, Math.max(Math.ceil(room / 2), room - endpoints.length));
  const forEndpoints = Math.min(endpoints.length, room - forRules);
  const gap = forRules > 0 && forEndpoints > 0 ? [''] : [];
  return [
    ` ${paint(facts, 'strong', heading)}`,
    ...rowLines(endpoints, forEndpoints, texts, facts),
    ...gap,
    ...rowLines(rules, forRules, texts, facts),
  ];
}

function rowLines(rows: readonly Row[], most: number, texts: Texts, facts: TerminalFacts): string[] {
  if (most < 1) return [];
  const kept = new Set(rows.length <= most ? rows : [...rows].sort((a, b) => b.urgency - a.urgency).slice(0, most - 1));
  const shown = rows.filter((row) => kept.has(row));
  const width = textWidth(facts) - 7;
  const end = facts.unicode ? '…' : '~';
  const names = shown.map(({ name, tail }) => truncate(name, Math.floor(width * 0.65) - tail.length, end) + tail);
  const nameWidth = Math.max(0, ...names.map((name) => stringWidth(name)));
  const lines = shown.map(({ mark, about }, index) => {
    const told = paint(facts, 'dim', truncate(about, width - nameWidth, end));
    return ` ${glyph(facts, mark)}  ${padEnd(names[index] ?? '', nameWidth)}  ${told}`;
  });
  const more = texts.ui('progress.more', { count: rows.length - shown.length });
  return shown.length === rows.length ? lines : [...lines, `    ${paint(facts, 'dim', more)}`];
}

function endpointRow({ endpoint, step, state, detail }: EndpointEvent, texts: Texts): Row {
  const [, name = '', tail = ''] = /^(.*?)(:\d+)?$/.exec(cleanText(endpoint).replace(/\/(tcp|udp)$/, '')) ?? [];
  return {
    mark: state === 'ok' ? 'pass' : state === 'failed' ? 'fail' : 'busy',
    name,
    tail,
    about: `${texts.ui(`step.${step}`)}${detail === '' ? '' : `: ${cleanText(detail)}`}`,
    urgency: state === 'failed' ? 2 : state === 'started' ? 1 : 0,
  };
}

function ruleRow(rule: RuleId, { check, outcome, round }: RuleState, texts: Texts): Row {
  const row = { name: titleOf(texts, rule, check), tail: '' };
  if (outcome === null) return { ...row, mark: 'not-run', about: texts.ui('progress.waiting'), urgency: 1 };
  const bad = isBad(outcome);
  const about = bad && round < LAST_ROUND ? texts.ui('progress.again') : texts.ui(`outcome.${outcome.kind}`);
  return { ...row, mark: outcomeMark(outcome), about, urgency: bad ? 2 : 0 };
}
