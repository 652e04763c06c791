import type { Texts } from '../../checks/texts/lookup.ts';
import type { Progress } from '../../contracts/progress.ts';
import { saysOf } from './finding-text.ts';
import { liveLines, noState, outcomeMark, type RunState, tell } from './live-view.ts';
import type { Output } from './output.ts';
import { glyph, type TerminalFacts } from './terminal.ts';

/** Shows a run while it goes on. `close` leaves the terminal as it was found; it may be called twice. */
export interface ProgressDisplay {
  show(event: Progress): void;
  close(): void;
}

/** 15 frames a second are smooth; more only cost the processor that the probes need. */
const FRAME_MS = 1000 / 15;

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_LINE_END = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** A bounded area that is redrawn in place, and gone when the run is over. */
export function liveDisplay(output: Output, texts: Texts, facts: () => TerminalFacts): ProgressDisplay {
  let state: RunState = noState;
  let drawn = 0;
  let timer: NodeJS.Timeout | null = null;
  let open = true;

  const toTop = () => (drawn === 0 ? '\r' : `\u001b[${drawn}A\r`);
  const draw = () => {
    timer = null;
    if (!open) return;
    const lines = liveLines(state, texts, facts());
    output.write(`${HIDE_CURSOR}${toTop()}${lines.map((line) => `${line}${CLEAR_LINE_END}\n`).join('')}${CLEAR_BELOW}`);
    drawn = lines.length;
  };
  return {
    show(event) {
      if (!open) return;
      state = tell(state, event);
      timer ??= setTimeout(draw, FRAME_MS);
    },
    close() {
      if (!open) return;
      open = false;
      if (timer !== null) clearTimeout(timer);
      if (drawn > 0) output.write(`${toTop()}${CLEAR_BELOW}${SHOW_CURSOR}`);
    },
  };
}

/** For logs: one line per finding, again only when a re-probe found otherwise, and nothing to erase. */
export function plainDisplay(output: Output, texts: Texts, facts: TerminalFacts): ProgressDisplay {
  const told = new Map<string, string>();
  return {
    show(event) {
      if (event.kind !== 'finding') return;
      const { rule, check, outcome } = event.finding;
      const says = outcome.kind === 'pass' ? '' : `: ${saysOf(texts, check, outcome)}`;
      const line = `${glyph(facts, outcomeMark(outcome))} ${rule}${says}\n`;
      if (told.get(rule) === line) return;
      told.set(rule, line);
      output.write(line);
    },
    close() {},
  };
}

export const noDisplay: ProgressDisplay = { show() {}, close() {} };
