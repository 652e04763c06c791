import { expect, it } from 'vitest';
import { createCcpWindow } from '../../../../main/ccp/ccp-window.ts';
import { MEDIA_SETTLES_MS } from '../../../../main/ccp/own-call.ts';
import { closed, opened } from './at-work.ts';
import { fakeWindows } from './fake-windows.ts';

const READING_MS = 0.01;
/** So that the silence is long enough between any two readings of the clock. */
const early = Array.from({ length: 40 }, (_, n) => READING_MS * (n + 0.5));

it('closes after the call though its timer was early', () => {
  for (const earlyMs of early) closesAfterTheCall(earlyMs);
});

/** As `setTimeout` is against `performance.now()`: a little early, but never under 1 ms; and the clock goes on meanwhile. */
function closesAfterTheCall(earlyMs: number): void {
  const fake = fakeWindows();
  let readings = 0;
  const window = createCcpWindow({
    ...fake.ports,
    after: (ms, run) => fake.ports.after(Math.max(1, ms - earlyMs), run),
    monotonicMs: () => fake.ports.monotonicMs() + READING_MS * readings++,
  });
  window.follow(opened());
  window.open();
  fake.ccp()?.events?.onLoaded();
  fake.ccp()?.events?.onMedia(true);
  window.follow(closed());
  expect(fake.ccp()).not.toBeNull();
  fake.ccp()?.events?.onMedia(false);
  fake.time.pass(MEDIA_SETTLES_MS + 10);
  expect(fake.ccp(), `${earlyMs} ms early`).toBeNull();
}
