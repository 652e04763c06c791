import { describe, expect, it } from 'vitest';
import { view } from '../view.ts';
import { atWork, closed, draining, opened } from './at-work.ts';

describe('a page that falls over', () => {
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('is offered again once', async () => {
    const { ccp, windows, did, offers, time } = atWork();
    ccp()?.events?.onCrashed();
    expect(did()).toEqual(['destroy ccp', 'offer reload', 'state not-open']);
    offers[0]?.(true);
    await settled();
    expect(windows()).toEqual(['ccp']);
    time.pass(10_000);
    ccp()?.events?.onCrashed();
    expect(windows()).toEqual([]);
    expect(did()).not.toContain('offer reload');
  });

  it('is offered again when it ran for a while in between', async () => {
    const { ccp, did, offers, time } = atWork();
    ccp()?.events?.onCrashed();
    offers[0]?.(true);
    await settled();
    time.pass(60_000);
    did();
    ccp()?.events?.onCrashed();
    expect(did()).toContain('offer reload');
  });

  it('stays away when that is not wanted, until it is opened', async () => {
    const { window, ccp, windows, offers } = atWork();
    ccp()?.events?.onCrashed();
    offers[0]?.(false);
    await settled();
    window.follow(view({ releasedUntil: null }));
    expect(windows()).toEqual([]);
    window.open();
    expect(windows()).toEqual(['ccp']);
  });

  it('does not come back through a gate that closed meanwhile', async () => {
    const { window, ccp, windows, offers } = atWork();
    ccp()?.events?.onCrashed();
    window.follow(closed());
    offers[0]?.(true);
    await settled();
    expect(windows()).toEqual(['blocked']);
  });

  it('asks nothing any more once the gate has closed, and comes back by itself', async () => {
    const { window, ccp, windows, offers, isOffering } = atWork();
    ccp()?.events?.onCrashed();
    expect(isOffering()).toBe(true);
    window.follow(draining());
    expect(isOffering()).toBe(true);
    window.follow(closed());
    expect(isOffering()).toBe(false);
    offers[0]?.(false);
    await settled();
    window.follow(opened());
    expect(windows()).toEqual(['ccp']);
  });

  it('asks nothing behind a gate that is closed', () => {
    const { window, ccp, windows, did } = atWork();
    ccp()?.events?.onMedia(true);
    window.follow(closed());
    ccp()?.events?.onCrashed();
    expect(did()).not.toContain('offer reload');
    expect(windows()).toEqual(['blocked']);
  });

  it('leaves an answer that comes too late without effect', async () => {
    const { window, ccp, windows, offers } = atWork();
    ccp()?.events?.onCrashed();
    window.open();
    expect(windows()).toEqual(['ccp']);
    offers[0]?.(false);
    await settled();
    expect(windows()).toEqual(['ccp']);
  });
});
