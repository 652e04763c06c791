import { expect, it } from 'vitest';
import { createLinkPace } from '../../../main/link-pace.ts';

function stage() {
  let nowMs = 0;
  const mayFollow = createLinkPace(() => nowMs);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { mayFollow, pass };
}

it('a page that asks for a look again and again has one every 30 seconds', () => {
  const { mayFollow, pass } = stage();
  let followed = 0;
  for (let ms = 0; ms < 120_000; ms += 100) {
    if (mayFollow({ kind: 'recheck' })) followed += 1;
    pass(100);
  }
  expect(followed).toBe(4);
});

it('no window comes forward more often than every two seconds', () => {
  const { mayFollow, pass } = stage();
  for (const kind of ['open', 'ccp'] as const) expect([mayFollow({ kind }), mayFollow({ kind })]).toEqual([true, false]);
  pass(1_999);
  expect(mayFollow({ kind: 'open' })).toBe(false);
  pass(1);
  expect(mayFollow({ kind: 'open' })).toBe(true);
});

it('what was not followed puts nothing off, and one kind does not hold up another', () => {
  const { mayFollow, pass } = stage();
  expect(mayFollow({ kind: 'recheck' })).toBe(true);
  pass(29_000);
  expect(mayFollow({ kind: 'recheck' })).toBe(false);
  expect(mayFollow({ kind: 'ccp' })).toBe(true);
  pass(1_000);
  expect(mayFollow({ kind: 'recheck' })).toBe(true);
});
