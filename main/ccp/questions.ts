import type { Texts } from '../../checks/texts/lookup.ts';

/** A box with a question; the button `accepts` is a yes, and whatever else closes it is a no. */
export interface Question {
  box: { type: 'warning'; message: string; detail: string; buttons: string[]; defaultId: number; cancelId: number };
  accepts: number;
}

export function crashQuestion({ ui }: Texts): Question {
  const buttons = [ui('ccp.crash.open'), ui('ccp.crash.leave')];
  return {
    box: { type: 'warning', message: ui('ccp.crash.title'), detail: ui('ccp.crash.body'), buttons, defaultId: 0, cancelId: 1 },
    accepts: 0,
  };
}

/** What a hasty Enter does must not end a call. */
export function quitQuestion({ ui }: Texts): Question {
  const buttons = [ui('ccp.quit.stay'), ui('ccp.quit.end')];
  return {
    box: { type: 'warning', message: ui('ccp.quit.title'), detail: ui('ccp.quit.body'), buttons, defaultId: 0, cancelId: 0 },
    accepts: 1,
  };
}
