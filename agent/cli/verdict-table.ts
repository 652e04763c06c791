import stringWidth from 'string-width';
import type { Texts, UiKey, Who } from '../../checks/texts/lookup.ts';
import type { CheckId, RuleId } from '../../contracts/finding.ts';
import type { CheckDocument } from '../../contracts/report.ts';
import { cleanText } from './clean-text.ts';
import { saysOf, titleOf } from './finding-text.ts';
import { dot, glyph, type Mark, paint, type TerminalFacts, type Tone, textWidth } from './terminal.ts';
import { type RunFacts, type Sections, sectionsOf, type Trouble, type TroubleKind } from './verdict-sections.ts';
import { padEnd, wrap } from './wrap.ts';

const INDENT = '    ';

/** The whole answer to "can this desk take calls?", as lines for a person. Ends with a newline. */
export function renderVerdict(document: CheckDocument, run: RunFacts, texts: Texts, facts: TerminalFacts): string {
  const sections = sectionsOf(document, run);
  const page = new Page(texts, facts);
  page.headline(document, run, sections);
  for (const { kind, items } of sections.troubles) {
    page.heading(`section.${kind}`);
    for (const item of items) page.trouble(kind, item);
  }
  page.quiet(sections);
  page.footer(document, run, sections);
  return `${page.lines.join('\n')}\n`;
}

const standingMark: Readonly<Record<CheckDocument['verdict']['standing'], { mark: Mark; tone: Tone }>> = {
  clear: { mark: 'pass', tone: 'good' },
  caution: { mark: 'warn', tone: 'warn' },
  blocked: { mark: 'fail', tone: 'bad' },
  undetermined: { mark: 'unknown', tone: 'warn' },
};

const troubleMark: Readonly<Record<TroubleKind, Mark>> = { block: 'fail', warn: 'warn', note: 'note', undetermined: 'unknown' };

class Page {
  readonly lines: string[] = [];
  readonly #texts: Texts;
  readonly #facts: TerminalFacts;
  readonly #width: number;

  constructor(texts: Texts, facts: TerminalFacts) {
    this.#texts = texts;
    this.#facts = facts;
    this.#width = textWidth(facts);
  }

  headline({ verdict: { standing } }: CheckDocument, run: RunFacts, { troubles }: Sections): void {
    const { mark, tone } = standingMark[standing];
    const shared = run.policy.instance.alias === undefined;
    const limited: UiKey | null =
      run.only && standing !== 'blocked' ? `headline.only.${standing}` : shared && standing === 'clear' ? 'headline.shared.clear' : null;
    this.#flow(` ${glyph(this.#facts, mark)}  `, this.#texts.ui(limited ?? `headline.${standing}`), INDENT, [tone, 'strong']);
    if (standing !== 'clear') this.#flow(INDENT, this.#whoMends(troubles[0]?.items ?? []), INDENT);
    if (run.only && !limited?.startsWith('headline.only')) this.#flow(INDENT, this.#texts.ui('note.only'), INDENT, ['dim']);
    if (shared) this.#flow(INDENT, this.#texts.ui('note.shared-hosts'), INDENT, ['dim']);
  }

  heading(key: UiKey): void {
    this.lines.push('');
    this.#flow(' ', this.#texts.ui(key), ' ', ['strong']);
  }

  trouble(kind: TroubleKind, { rule, check, finding, cause, explains }: Trouble): void {
    const texts = this.#texts;
    this.lines.push('');
    this.#titled(` ${glyph(this.#facts, mark(kind, finding))}  `, this.#title(rule, check), check);
    if (finding === null) {
      this.#flow(INDENT, texts.ui('label.not-settled'), INDENT);
    } else {
      const { outcome } = finding;
      const text = texts.outcome(check, outcome);
      const says = saysOf(texts, check, outcome);
      const fix = text.fix === null ? '' : cleanText(text.fix);
      this.#flow(INDENT, says, INDENT);
      const hosts = 'args' in outcome && outcome.args.hosts !== undefined ? cleanText(String(outcome.args.hosts)) : '';
      if (hosts !== '' && !says.includes(hosts)) this.#labelled('label.hosts', hosts);
      if (text.who !== null) this.#labelled('label.who', texts.ui(`who.${text.who}`));
      if (fix !== '') this.#labelled('label.fix', fix);
    }
    if (cause?.blocksAt) this.#flow(INDENT, texts.ui('label.blocks-at', { at: cause.blocksAt }), INDENT, ['warn']);
    if (cause?.waiver) this.#flow(INDENT, texts.ui('label.waived'), INDENT, ['dim']);
    if (explains.length > 0) {
      const titles = explains.map((one) => this.#title(one.rule, one.check)).join(texts.ui('list.separator'));
      this.#flow(INDENT, texts.ui('label.also', { titles }), INDENT, ['dim']);
    }
  }

  /** What needs nobody: compact, several to a line. */
  quiet({ fine, notApplicable, notRun }: Sections): void {
    if (fine.length > 0) {
      this.heading('section.fine');
      this.#folded(
        'pass',
        fine.map(({ rule, check }) => this.#title(rule, check)),
      );
    }
    if (notApplicable.length > 0) {
      this.heading('section.not-applicable');
      const reasons = new Map<string, string[]>();
      for (const { rule, check, outcome } of notApplicable) {
        const { says } = this.#texts.outcome(check, outcome);
        reasons.set(says, [...(reasons.get(says) ?? []), this.#title(rule, check)]);
      }
      for (const [says, titles] of reasons) {
        this.#folded('not-applicable', titles);
        this.#flow(INDENT, says, INDENT, ['dim']);
      }
    }
    if (notRun.length > 0) {
      this.heading('section.not-run');
      this.#folded(
        'not-run',
        notRun.map(({ rule, check }) => this.#title(rule, check)),
      );
    }
  }

  footer({ verdict, policy, allowlist, startedAt, finishedAt }: CheckDocument, { since }: RunFacts, { troubles }: Sections): void {
    const ui = this.#texts.ui;
    const seconds = ((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000).toFixed(1);
    const first = troubles[0]?.items[0];
    const parts = [
      ui('footer.policy', { id: policy.id, revision: policy.revision }),
      ui('footer.allowlist', { date: allowlist.createdAt.slice(0, 10) }),
      since === undefined ? ui('footer.took', { seconds }) : ui('footer.since', { at: since }),
    ];
    this.lines.push('');
    this.#flow(' ', ui(`next.${verdict.standing}`), ' ');
    if (first) this.#flow(' ', ui('footer.explain', { id: first.check }), ' ');
    this.#list(' ', parts, ' ', 'dim');
  }

  #title(rule: RuleId, check: CheckId): string {
    return titleOf(this.#texts, rule, check);
  }

  #whoMends(items: readonly Trouble[]): string {
    const who = new Set(items.flatMap(({ check, finding }) => (finding && this.#texts.outcome(check, finding.outcome).who) ?? []));
    const both = who.has('agent') && who.has('it');
    const [only]: Iterable<Who> = who;
    return both ? this.#texts.ui('who.both.summary') : only ? this.#texts.ui(`who.${only}.summary`) : '';
  }

  /** The id stands at the right edge where there is room for it, and below the title where there is not. */
  #titled(lead: string, title: string, id: string): void {
    const room = this.#width - INDENT.length - stringWidth(title) - stringWidth(id);
    if (title === id || room < 2) {
      this.#flow(lead, title, INDENT, ['strong']);
      if (title !== id) this.#flow(INDENT, id, INDENT, ['dim']);
      return;
    }
    this.lines.push(`${lead}${paint(this.#facts, 'strong', title)}${' '.repeat(room)}${paint(this.#facts, 'dim', id)}`);
  }

  #labelled(label: UiKey, text: string): void {
    const keys: UiKey[] = ['label.hosts', 'label.who', 'label.fix'];
    const labelWidth = Math.max(...keys.map((key) => stringWidth(this.#texts.ui(key)))) + 2;
    const lead = INDENT + paint(this.#facts, 'dim', padEnd(this.#texts.ui(label), labelWidth));
    this.#flow(lead, text, INDENT + ' '.repeat(labelWidth));
  }

  #folded(mark: Mark, titles: readonly string[]): void {
    this.#list(` ${glyph(this.#facts, mark)}  `, titles, INDENT, 'plain');
  }

  /** Things side by side; a line breaks between them where it can. */
  #list(lead: string, things: readonly string[], indent: string, tone: Tone): void {
    const lines: string[] = [];
    for (const thing of things) {
      const last = lines.at(-1);
      const joined = last === undefined ? thing : `${last}${dot(this.#facts)}${thing}`;
      if (last === undefined || stringWidth(joined) > this.#width - indent.length) lines.push(...wrap(thing, this.#width - indent.length));
      else lines[lines.length - 1] = joined;
    }
    for (const [index, line] of lines.entries()) this.lines.push((index === 0 ? lead : indent) + paint(this.#facts, tone, line));
  }

  #flow(lead: string, text: string, indent: string, tones: readonly Tone[] = []): void {
    if (text === '') return;
    for (const [index, line] of wrap(text, this.#width - indent.length).entries()) {
      const painted = tones.reduce((made, tone) => paint(this.#facts, tone, made), line);
      this.lines.push((index === 0 ? lead : indent) + painted);
    }
  }
}

function mark(kind: TroubleKind, finding: Trouble['finding']): Mark {
  return finding?.outcome.kind === 'unknown' && kind !== 'block' ? 'unknown' : troubleMark[kind];
}
