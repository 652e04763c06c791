import type { Texts } from '../../../checks/texts/lookup.ts';
import type { CheckId } from '../../../contracts/finding.ts';
import type { Face } from '../model/face.ts';
import type { Recheck } from '../model/recheck.ts';
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
      return recheck.code === 'too-soon' || recheck.code === 'busy' || recheck.code === 'no-daemon'
        ? texts.ui(`app.recheck.${recheck.code}`)
        : texts.ui('app.recheck.failed');
  }
}
