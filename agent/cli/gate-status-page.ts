import type { Texts, UiKey } from '../../checks/texts/lookup.ts';
import type { EnforcerState } from '../../contracts/enforcer.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import { cleanText } from './clean-text.ts';
import { glyph, type Mark, paint, type TerminalFacts, type Tone, textWidth } from './terminal.ts';
import { wrap } from './wrap.ts';

const INDENT = '    ';

const stateMark: Readonly<Record<EnforcerState, { mark: Mark; tone: Tone }>> = {
  confirmed: { mark: 'pass', tone: 'good' },
  written: { mark: 'note', tone: 'plain' },
  degraded: { mark: 'warn', tone: 'warn' },
  conflict: { mark: 'fail', tone: 'bad' },
};

/** Names of products and protocols, the same in every language. */
const targetNames: Readonly<Record<string, string>> = {
  chrome: 'Google Chrome',
  chromium: 'Chromium',
  edge: 'Microsoft Edge',
  firefox: 'Mozilla Firefox',
  'tcp-443': 'TCP 443',
  'udp-3478': 'UDP 3478',
};

/** Why this gate, which should be shut, is not surely shut; null when nothing says so. */
export function holdTrouble({ gate, enforcers }: Pick<Snapshot, 'gate' | 'enforcers'>): 'none' | 'not-holding' | null {
  if (!gate.acting || gate.state !== 'closed') return null;
  if (enforcers.length === 0) return 'none';
  return enforcers.some((one) => one.wanted !== 'closed' || one.state === 'conflict' || one.state === 'degraded') ? 'not-holding' : null;
}

/** What may be said of the gate in one sentence: that it is closed only where nothing contradicts that. */
export function headKey(snapshot: Snapshot): UiKey {
  return holdTrouble(snapshot) === null ? `gate.${snapshot.gate.state}` : 'gate.should-be-closed';
}

/** What each enforcer really does, and why, as lines for a person. Ends with a newline. */
export function renderGateStatus(snapshot: Snapshot, texts: Texts, facts: TerminalFacts): string {
  const { ui } = texts;
  const lines: string[] = [];
  const flow = (lead: string, text: string, tones: readonly Tone[] = [], indent = INDENT) => {
    for (const [index, line] of wrap(cleanText(text), textWidth(facts) - indent.length).entries()) {
      lines.push((index === 0 ? lead : indent) + tones.reduce((made, tone) => paint(facts, tone, made), line));
    }
  };

  const { mark, tone } = headMark(snapshot);
  flow(` ${glyph(facts, mark)}  `, ui(headKey(snapshot)), [tone, 'strong']);
  for (const line of gateLines(snapshot, texts)) flow(INDENT, line);

  for (const { enforcer, wanted, targets } of snapshot.enforcers) {
    lines.push('');
    flow(' ', ui('label.colon', { label: ui(`enforcer.${enforcer}`), text: ui(`enforcer.wanted.${wanted}`) }), ['strong'], ' ');
    if (targets.length === 0) flow(INDENT, ui('enforcer.no-targets'), ['dim']);
    for (const { target, state, notes } of targets) {
      const shown = stateMark[state];
      const text = ui('label.colon', { label: targetNames[target] ?? target, text: ui(`enforcer.${wanted}.${state}`) });
      flow(` ${glyph(facts, shown.mark)}  `, text, [shown.tone]);
      for (const { code, detail } of notes) {
        const says = ui(`enforcer-note.${code}`);
        flow(`${INDENT}  `, detail.trim() === '' ? says : `${says} [${detail}]`, [], `${INDENT}  `);
      }
    }
  }

  const { id, revision, signed } = snapshot.policy;
  lines.push('');
  const footer = [ui('footer.policy', { id, revision }), ui(signed ? 'policy.signed' : 'policy.unsigned')];
  flow(' ', footer.join(ui('list.separator')), ['dim'], ' ');
  return `${lines.join('\n')}\n`;
}

function headMark(snapshot: Snapshot): { mark: Mark; tone: Tone } {
  if (holdTrouble(snapshot) !== null) return { mark: 'warn', tone: 'warn' };
  const { gate } = snapshot;
  if (!gate.acting) return { mark: 'note', tone: 'plain' };
  if (gate.state === 'open') return { mark: 'pass', tone: 'good' };
  return gate.state === 'closed' ? { mark: 'fail', tone: 'bad' } : { mark: 'busy', tone: 'warn' };
}

function gateLines(snapshot: Snapshot, texts: Texts): string[] {
  const { gate, releasedUntil } = snapshot;
  const { ui } = texts;
  const trouble = holdTrouble(snapshot);
  return [
    ...(trouble === null ? [] : [ui(`enforcer.trouble.${trouble}`)]),
    ...(gate.notActingBecause === null
      ? []
      : [ui(`gate.not-acting.${gate.notActingBecause}`), ui('gate.acting-would', { state: ui(`gate.would.${gate.wouldBe}`) })]),
    ui('label.colon', { label: ui('gate.why'), text: ui(`gate-reason.${gate.reason}`) }),
    ...(releasedUntil === null ? [] : [ui('gate.released-until', { at: releasedUntil })]),
    ui('label.colon', { label: ui('gate.activity'), text: activityText(snapshot.activity, texts) }),
    ...drainLine(snapshot, texts),
  ];
}

function activityText({ activity, byPrivileged, sources }: Snapshot['activity'], { ui }: Texts): string {
  const named = sources.map((source) => ui(`activity-source.${source}`)).join(ui('list.separator'));
  if (activity === 'on-call') return ui(byPrivileged ? 'activity.on-call' : 'activity.unvouched', { sources: named });
  if (activity === 'idle') return ui('activity.idle', { sources: named });
  return sources.length === 0 ? ui('activity.unknown') : ui('activity.wanting', { sources: named });
}

/** The gate's times are of the daemon's own clock, which stands still in sleep: only what lies between two of them can be told. */
function drainLine({ gate }: Snapshot, { ui }: Texts): string[] {
  if (gate.wouldBe !== 'draining') return [];
  if (gate.drainEndsByMs === null) return [ui('gate.drain.call')];
  return [ui('gate.drain.limit', { minutes: Math.max(0, Math.ceil((gate.drainEndsByMs - gate.sinceMs) / 60_000)) })];
}
