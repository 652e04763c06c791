import { expect, it } from 'vitest';
import { bannerPlace } from '../../../../main/ccp/banner-place.ts';
import { createMediaCount } from '../../../../main/ccp/media-count.ts';
import { fakeTime } from '../fake-after.ts';

function watched() {
  const heard: boolean[] = [];
  const time = fakeTime();
  return { heard, time, media: createMediaCount((isLive) => heard.push(isLive), time.nowMs) };
}

it('is live from the first player to the last', () => {
  const { heard, media } = watched();
  media.started();
  media.started();
  media.stopped();
  expect(heard).toEqual([true]);
  media.stopped();
  expect(heard).toEqual([true, false]);
});

it('is live while it can be heard', () => {
  const { heard, media } = watched();
  media.audible(true);
  media.started();
  media.stopped();
  expect(heard).toEqual([true]);
  media.audible(false);
  expect(heard).toEqual([true, false]);
});

it('owes nothing for a player that it never saw start', () => {
  const { heard, media } = watched();
  media.stopped();
  media.started();
  expect(heard).toEqual([true]);
});

it('starts anew with another page, and whether it can be heard is told of the whole of it', () => {
  const { heard, media } = watched();
  media.started();
  media.anew();
  expect(heard).toEqual([true, false]);
  media.audible(true);
  media.anew();
  expect(heard).toEqual([true, false, true]);
});

it.each([0, 1, 2_999])('takes no end of the page before for one of this page, %i ms late', (ms) => {
  const { heard, media, time } = watched();
  media.started();
  media.started();
  media.anew();
  media.started();
  time.pass(ms);
  media.stopped();
  media.stopped();
  expect(heard).toEqual([true, false, true]);
  media.stopped();
  expect(heard).toEqual([true, false, true, false]);
});

it('waits no longer for an end that was not told', () => {
  const { heard, media, time } = watched();
  media.started();
  media.anew();
  media.started();
  time.pass(3_000);
  media.stopped();
  expect(heard).toEqual([true, false, true, false]);
});

it('puts the banner above the window, or over its lower edge at the top of a screen', () => {
  const screen = { x: 0, y: 0, width: 1_920, height: 1_040 };
  const ccp = { x: 100, y: 200, width: 420, height: 680 };
  expect(bannerPlace(ccp, screen, 72)).toEqual({ x: 100, y: 128, width: 420, height: 72 });
  expect(bannerPlace({ ...ccp, y: 72 }, screen, 72).y).toBe(0);
  expect(bannerPlace({ ...ccp, y: 71 }, screen, 72)).toEqual({ x: 100, y: 71 + 680 - 72, width: 420, height: 72 });
  expect(bannerPlace({ ...ccp, x: 2_000, y: 1_060 }, { ...screen, x: 1_920, y: 1_040 }, 72).y).toBe(1_060 + 680 - 72);
});
