import type { Texts } from '../../../checks/texts/lookup.ts';
import type { CheckId } from '../../../contracts/finding.ts';
import type { Face } from '../model/face.ts';
import type { Recheck, Refusal } from '../model/recheck.ts';
import { timeWords } from '../model/time-words.ts';
import type { Words } from '../words.ts';

export function headlineOf({ kind, at }: Face, { texts, time }: Words, now: Date): string {
  return texts.ui(`app.face.${kind}`, at === null ? {} : { at: time.clock(at, now) });
}

export function recheckWords(check: CheckId, recheck: Recheck, texts: Texts): string {
  switch (recheck.step) {
    case 'running':
      return texts.ui('app.recheck.running');
    case 'fixed':
      return texts.ui('app.recheck.fixed', { title: texts.title(check) });
    case 'better':
      return texts.ui('app.recheck.better');
    case 'same':
      return texts.ui('app.recheck.same');
    case 'no-answer':
      return texts.ui('app.recheck.failed');
    case 'refused':
      return refusalWords(recheck, texts);
  }
}

/** Why not, and when it can be asked for again. */
export function refusalWords({ code, inMs }: Refusal, texts: Texts): string {
  switch (code) {
    case 'too-soon':
      return inMs === null
        ? texts.ui('app.recheck.too-soon')
        : texts.ui('app.recheck.too-soon.in', { left: timeWords(texts.locale).length(inMs) });
    case 'busy':
      return texts.ui('app.recheck.busy');
    case 'no-daemon':
      return texts.ui('app.recheck.no-daemon.when');
    default:
      return texts.ui('app.recheck.failed');
  }
}
