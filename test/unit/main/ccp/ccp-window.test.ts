import { describe, expect, it } from 'vitest';
import { createCcpWindow } from '../../../../main/ccp/ccp-window.ts';
import { MAX_HELD_MS } from '../../../../main/ccp/choose-face.ts';
import { MEDIA_SETTLES_MS, REPORT_EVERY_MS } from '../../../../main/ccp/own-call.ts';
import { gate, observing, view } from '../view.ts';
import { atWork, closed, draining, opened } from './at-work.ts';
import { fakeWindows } from './fake-windows.ts';

describe('the CCP window', () => {
  it('opens what the policy names when the user wants it', () => {
    const { ports, did, ccp } = fakeWindows();
    const window = createCcpWindow(ports);
    expect(window.open()).toBe('not-configured');
    expect(window.isShut()).toBe(false);
    expect(window.places()).toBeNull();
    window.follow(opened());
    expect(did()).toEqual(['state not-open', 'acknowledge open']);
    expect(window.open()).toBe('opened');
    expect(did()).toEqual(['remember open', 'open ccp', 'state open', 'says unknown', 'show ccp']);
    expect(ccp()?.url).toBe('https://acme.my.connect.aws/ccp-v2/');
    expect(window.places()?.origins).toEqual(['https://acme.my.connect.aws']);
  });

  it('says that there is none to open where the policy names no instance', () => {
    const { ports, did, windows } = fakeWindows(true);
    const window = createCcpWindow(ports);
    window.follow(view({ ccp: { url: null, origins: [], loginOrigins: [] } }));
    expect(window.open()).toBe('not-configured');
    expect(windows()).toEqual([]);
    expect(did()).toContain('state not-configured');
  });

  it('comes up by itself where it was open when the app ended, and not before the daemon spoke', () => {
    const { ports, windows } = fakeWindows(true);
    const window = createCcpWindow(ports);
    window.follow(view(null, { link: 'connecting' }));
    expect(windows()).toEqual([]);
    window.follow(opened());
    expect(windows()).toEqual(['ccp']);
  });

  it('shows a banner while the gate drains, and takes it away again', () => {
    const { window, windows, did } = atWork();
    window.follow(draining());
    expect(windows()).toEqual(['ccp', 'banner']);
    expect(did()).toEqual(['open banner', 'state banner', 'acknowledge banner']);
    window.follow(opened());
    expect(did()).toEqual(['destroy banner', 'state open', 'acknowledge open']);
  });

  it('is torn down when the gate closes, before that is said, and comes back by itself in the same place', () => {
    const { window, windows, did, blocked, ccp, place } = atWork();
    window.follow(draining());
    did();
    window.follow(closed());
    expect(did()).toEqual(['destroy banner', 'destroy ccp', 'open blocked', 'state blocked', 'acknowledge closed']);
    expect(blocked()?.at).toEqual(place);
    expect(window.isShut()).toBe(true);
    window.follow(opened());
    expect(windows()).toEqual(['ccp']);
    expect(ccp()?.at).toEqual(place);
    expect(window.isShut()).toBe(false);
  });

  it('opens the blocked page when the user wants the CCP behind a closed gate', () => {
    const { window, windows, did } = atWork(closed());
    expect(windows()).toEqual(['blocked']);
    window.open();
    expect(did()).toEqual(['show blocked']);
  });

  it('does not come back after the user closed the blocked page', () => {
    const { window, windows, did, blocked } = atWork(closed());
    blocked()?.close();
    expect(did()).toEqual(['remember closed', 'state not-open']);
    window.follow(opened());
    expect(windows()).toEqual([]);
  });

  it('acknowledges a closed gate where no window is open', () => {
    const { ports, did } = fakeWindows();
    createCcpWindow(ports).follow(closed());
    expect(did()).toEqual(['state not-open', 'acknowledge closed']);
  });

  it.each(['draining', 'closed'] as const)('is never closed by a policy that observes: would be %s', (wouldBe) => {
    const { window, windows, did } = atWork();
    window.follow(view({ gate: observing(wouldBe) }));
    expect(windows()).toEqual(['ccp', 'banner']);
    expect(did()).toEqual(['open banner', 'state banner', 'acknowledge banner']);
    expect(window.isShut()).toBe(false);
  });

  it.each(['reconnecting', 'connecting'] as const)('keeps as it is while the link is %s', (link) => {
    for (const state of ['open', 'draining', 'closed'] as const) {
      const { window, windows, did } = atWork(view({ gate: gate(state) }));
      const had = windows();
      window.follow(view({ gate: gate(state === 'closed' ? 'open' : 'closed') }, { link }));
      window.follow(view(null, { link }));
      expect(did()).toEqual([]);
      expect(windows()).toEqual(had);
    }
  });

  it('opens anew when the policy names another instance', () => {
    const { window, ccp, did } = atWork();
    const ccpOf = (host: string) => ({ url: `https://${host}/ccp-v2/`, origins: [`https://${host}`], loginOrigins: [] });
    const idle = { activity: 'idle' as const, byPrivileged: true, sources: [] };
    window.follow(view({ ccp: ccpOf('other.my.connect.aws') }));
    // Silence is no proof that nobody is on hold; until then the old window may go on, and the new origin is known.
    expect(did()).toEqual([]);
    expect(window.places()?.origins).toEqual(['https://acme.my.connect.aws', 'https://other.my.connect.aws']);
    window.follow(view({ ccp: ccpOf('other.my.connect.aws'), activity: idle }));
    expect(did()).toEqual(['destroy ccp', 'open ccp']);
    expect(window.places()?.origins).toEqual(['https://other.my.connect.aws']);
    expect(ccp()?.url).toBe('https://other.my.connect.aws/ccp-v2/');
    ccp()?.events?.onMedia(true);
    window.follow(view({ ccp: ccpOf('acme.my.connect.aws') }));
    expect(ccp()?.url).toBe('https://other.my.connect.aws/ccp-v2/');
    window.follow(view({ ccp: { url: null, origins: [], loginOrigins: [] }, activity: idle }));
    expect(ccp()).not.toBeNull();
  });

  it('opens what the policy names now when the user opens it anew, unless somebody talks in it', () => {
    const { window, ccp } = atWork();
    const other = { url: 'https://other.my.connect.aws/ccp-v2/', origins: ['https://other.my.connect.aws'], loginOrigins: [] };
    ccp()?.events?.onMedia(true);
    window.follow(view({ ccp: other }));
    window.open();
    expect(ccp()?.url).toBe('https://acme.my.connect.aws/ccp-v2/');
    ccp()?.events?.onMedia(false);
    window.open();
    expect(ccp()?.url).toBe('https://acme.my.connect.aws/ccp-v2/');
  });

  it('a window that goes without asking is forgotten, and comes back when it is asked for', () => {
    const { window, windows, ccp, did } = atWork();
    ccp()?.events?.onGone();
    expect(did()).toEqual(['remember closed', 'state not-open']);
    window.follow(closed());
    expect(did()).toEqual(['acknowledge closed']);
    window.follow(opened());
    window.open();
    expect(windows()).toContain('ccp');
  });
});

describe('a call in its window', () => {
  it('is told every five seconds and when it begins and ends, and silence is never called idle', () => {
    const { ccp, time, did } = atWork();
    time.pass(REPORT_EVERY_MS);
    expect(did()).toEqual(['says unknown']);
    ccp()?.events?.onMedia(true);
    expect(did()).toEqual(['says on-call']);
    time.pass(2 * REPORT_EVERY_MS);
    expect(did()).toEqual(['says on-call', 'says on-call']);
    ccp()?.events?.onMedia(false);
    expect(did()).toEqual([]);
    time.pass(MEDIA_SETTLES_MS);
    expect(did()).toEqual(['says unknown']);
  });

  it('is not cut by a gate that closes in the same second, and the window closes when it ended', () => {
    const { window, ccp, time, windows, did } = atWork();
    ccp()?.events?.onMedia(true);
    did();
    window.follow(closed());
    expect(windows()).toEqual(['ccp', 'banner']);
    expect(did()).toEqual(['open banner', 'state banner', 'acknowledge banner']);
    expect(window.isShut()).toBe(false);
    time.pass(600_000);
    expect(windows()).toEqual(['ccp', 'banner']);
    ccp()?.events?.onMedia(false);
    time.pass(MEDIA_SETTLES_MS - 1);
    expect(windows()).toEqual(['ccp', 'banner']);
    time.pass(1);
    expect(windows()).toEqual(['blocked']);
    expect(did().at(-2)).toBe('acknowledge closed');
  });

  it('outlives a moment of silence', () => {
    const { window, ccp, time, windows } = atWork();
    ccp()?.events?.onMedia(true);
    window.follow(closed());
    ccp()?.events?.onMedia(false);
    time.pass(MEDIA_SETTLES_MS / 2);
    ccp()?.events?.onMedia(true);
    time.pass(60_000);
    expect(windows()).toEqual(['ccp', 'banner']);
  });

  it.each(['critical', 'drain-expired'] as const)('does not hold up a close that is %s', (reason) => {
    const { window, ccp, windows } = atWork();
    ccp()?.events?.onMedia(true);
    window.follow(closed(reason));
    expect(windows()).toEqual(['blocked']);
    expect(window.isShut()).toBe(true);
  });

  it('does not outlive a close that becomes critical', () => {
    const { window, ccp, windows } = atWork();
    ccp()?.events?.onMedia(true);
    window.follow(closed());
    window.follow(closed('critical'));
    expect(windows()).toEqual(['blocked']);
  });

  it('holds up a close for two hours at most', () => {
    const { window, ccp, time, windows } = atWork();
    ccp()?.events?.onMedia(true);
    window.follow(closed());
    time.pass(MAX_HELD_MS - 1);
    expect(windows()).toEqual(['ccp', 'banner']);
    time.pass(1);
    expect(windows()).toEqual(['blocked']);
  });

  it('has its two hours again after the gate was open', () => {
    const { window, ccp, time, windows } = atWork();
    ccp()?.events?.onMedia(true);
    window.follow(closed());
    time.pass(MAX_HELD_MS - 1);
    window.follow(opened());
    window.follow(closed());
    time.pass(MAX_HELD_MS - 1);
    expect(windows()).toEqual(['ccp', 'banner']);
  });

  it('keeps its window: closing it puts it away', () => {
    const { ccp, windows, did, time } = atWork();
    ccp()?.events?.onMedia(true);
    did();
    expect(ccp()?.close()).toBe(false);
    time.pass(0);
    expect(did()).toEqual(['minimise ccp']);
    ccp()?.events?.onMedia(false);
    time.pass(MEDIA_SETTLES_MS);
    did();
    expect(ccp()?.close()).toBe(false);
    time.pass(0);
    expect(windows()).toEqual([]);
    expect(did()).toEqual(['destroy ccp', 'remember closed', 'state not-open']);
  });

  it('is over with its window', () => {
    const { window, ccp, did } = atWork();
    ccp()?.events?.onMedia(true);
    window.follow(closed('critical'));
    expect(did().at(-1)).toBe('says unknown');
    expect(window.isOnCall()).toBe(false);
  });
});

describe('a window that is closed', () => {
  it('is gone before another one is opened', () => {
    const { window, windows, ccp, time } = atWork();
    ccp()?.close();
    window.open();
    time.pass(0);
    expect(windows()).toEqual([]);
    window.open();
    expect(windows()).toEqual(['ccp']);
  });

  it('stays where a call begins before it is gone', () => {
    const { windows, ccp, time } = atWork();
    ccp()?.close();
    ccp()?.events?.onMedia(true);
    time.pass(0);
    expect(windows()).toEqual(['ccp']);
  });

  it('stays gone for a policy that takes the instance away behind a closed gate', () => {
    const { window, windows } = atWork();
    window.follow(view({ gate: gate('closed'), ccp: { url: null, origins: [], loginOrigins: [] } }));
    expect(windows()).toEqual([]);
  });
});

it('takes being told of its own state as no news', () => {
  const fake = fakeWindows();
  const { show } = fake.ports;
  const window = createCcpWindow({
    ...fake.ports,
    show(state, trouble) {
      show(state, trouble);
      window.follow(last);
    },
  });
  let last = opened();
  window.follow(last);
  window.open();
  fake.ccp()?.events?.onLoaded();
  fake.ccp()?.events?.onMedia(true);
  last = closed();
  window.follow(last);
  // The next report, and the end of the hold.
  expect(fake.time.waits()).toBe(2);
  expect(fake.windows()).toEqual(['ccp', 'banner']);
  expect(fake.did().filter((what) => what.startsWith('acknowledge'))).toEqual(['acknowledge open', 'acknowledge banner']);
});

it('lets every window go when the app ends, also in a call', () => {
  const { window, ccp } = atWork();
  ccp()?.events?.onMedia(true);
  window.stop();
  expect(ccp()?.events?.onClosing()).toBe(true);
});

it('remembers what is open, and where, when the app ends', () => {
  const { window, windows, did, time, places, place } = atWork();
  expect(places).toEqual([null]);
  window.stop();
  window.stop();
  window.follow(closed());
  time.pass(60_000);
  expect(windows()).toEqual(['ccp']);
  expect(did()).toEqual(['remember open']);
  expect(places).toEqual([null, place]);
});
