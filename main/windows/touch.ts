/** Chromium lets a page open things for five seconds after a touch; a click leads somewhere within one. */
const JUST_NOW_MS = 1_000;

/** As Electron names them. Moving the mouse over a page is no touch. */
const touches = new Set(['mouseDown', 'mouseUp', 'rawKeyDown', 'keyDown', 'touchStart', 'touchEnd', 'gestureTap']);

export function createTouch(monotonicMs: () => number): { note(type: string): void; wasJustNow(): boolean } {
  let touchedMs = Number.NEGATIVE_INFINITY;
  return {
    note(type) {
      if (touches.has(type)) touchedMs = monotonicMs();
    },
    wasJustNow: () => monotonicMs() - touchedMs < JUST_NOW_MS,
  };
}
