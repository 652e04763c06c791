import { describe, expect, it } from 'vitest';
import type { CheckId } from '../../../../contracts/finding.ts';
import type { WindowBounds } from '../../../../main/settings.ts';
import { createCrashRule } from '../../../../main/windows/crash-rule.ts';
import { placeOn } from '../../../../main/windows/place.ts';
import { createPostureWindow } from '../../../../main/windows/posture-window.ts';
import { createTouch } from '../../../../main/windows/touch.ts';

it('a page that falls over is loaded again three times a minute, and then its window goes', () => {
  let nowMs = 0;
  const rule = createCrashRule(() => nowMs);
  const at = (ms: number) => {
    nowMs = ms;
    return rule('posture', 'crashed');
  };
  expect([at(0), at(1_000), at(2_000), at(3_000), at(59_999), at(60_000), at(60_001)]).toEqual([
    'reload',
    'reload',
    'reload',
    'destroy',
    'destroy',
    'reload',
    'destroy',
  ]);
  expect(rule('blocked', 'oom')).toBe('reload');
  expect([rule('blocked', 'clean-exit'), rule('ccp', 'crashed'), rule('probe', 'crashed')]).toEqual(['leave', 'leave', 'leave']);
});

it('a touch counts for a second, and moving the mouse is none', () => {
  let nowMs = 0;
  const touch = createTouch(() => nowMs);
  expect(touch.wasJustNow()).toBe(false);
  touch.note('mouseMove');
  expect(touch.wasJustNow()).toBe(false);
  touch.note('mouseDown');
  nowMs = 999;
  expect(touch.wasJustNow()).toBe(true);
  nowMs = 1_000;
  expect(touch.wasJustNow()).toBe(false);
});

describe('a window', () => {
  const screen = { x: 0, y: 0, width: 1_920, height: 1_040 };
  const size = { width: 800, height: 600 };

  it.each<[string, WindowBounds | undefined, boolean]>([
    ['is where it was', { x: 100, y: 100, ...size }, true],
    ['hangs over the side, but can be taken hold of', { x: -700, y: 100, ...size }, true],
    ['was on a screen that is gone', { x: 2_000, y: 100, ...size }, false],
    ['would hide its title above', { x: 100, y: -50, ...size }, false],
    ['would be below', { x: 100, y: 1_030, ...size }, false],
    ['would leave too little to hold', { x: 1_850, y: 100, ...size }, false],
  ])('%s', (_name, bounds, stays) => {
    expect(placeOn(bounds, [screen])).toEqual(stays ? bounds : size);
  });

  it('without a place is put by the system', () => {
    expect(placeOn(undefined, [screen])).toEqual({});
  });
});

describe('the posture window', () => {
  function stage() {
    const log: string[] = [];
    const saved: WindowBounds[] = [];
    let close: (bounds: WindowBounds | null) => void = () => {};
    const posture = createPostureWindow({
      open(url) {
        log.push(`open ${url}`);
        return {
          load: (next) => log.push(`load ${next}`),
          bringForward: () => log.push('forward'),
          onClosed(listener) {
            close = listener;
          },
        };
      },
      saveBounds: (bounds) => saved.push(bounds),
    });
    return { posture, log, saved, close: (bounds: WindowBounds | null) => close(bounds) };
  }
  const check = 'network.dns' as CheckId;

  it('is one, and comes forward when asked for again', () => {
    const { posture, log } = stage();
    posture.show();
    posture.show();
    posture.show(`check/${check}`);
    expect(log).toEqual(['open app://ui/posture.html', 'forward', 'load app://ui/posture.html#check/network.dns', 'forward']);
  });

  it('is made anew after it was closed or fell over, and remembers where it was closed', () => {
    const { posture, log, saved, close } = stage();
    const bounds = { x: 1, y: 2, width: 3, height: 4 };
    posture.show();
    close(bounds);
    posture.show(`check/${check}`);
    close(null);
    posture.show();
    expect(log).toEqual(['open app://ui/posture.html', 'open app://ui/posture.html#check/network.dns', 'open app://ui/posture.html']);
    expect(saved).toEqual([bounds]);
  });
});
