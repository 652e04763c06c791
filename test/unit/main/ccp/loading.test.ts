import { describe, expect, it } from 'vitest';
import type { CcpWindowEvents } from '../../../../main/ccp/ccp-ports.ts';
import { LOAD_AGAIN_MS, REFUSED_AGAIN_MS, SILENT_LOAD_MS } from '../../../../main/ccp/loading.ts';
import { view } from '../view.ts';
import { atWork, closed, opened } from './at-work.ts';

describe('a page that cannot be loaded', () => {
  const url = 'https://acme.my.connect.aws/ccp-v2/';
  const dnsFailed = { code: -105, error: 'ERR_NAME_NOT_RESOLVED', url };
  const cannot = { kind: 'cannot-load', host: 'acme.my.connect.aws', error: 'ERR_NAME_NOT_RESOLVED' };

  it('is loaded again soon at first, then every ten seconds, and soon again after it was there', () => {
    const { ccp, did, time } = atWork(opened(), false);
    const loads = () => did().filter((what) => what.startsWith('load')).length;
    for (const ms of [...LOAD_AGAIN_MS, 10_000]) {
      ccp()?.events?.onFailed(dnsFailed);
      time.pass(ms - 1);
      expect(loads()).toBe(0);
      time.pass(1);
      expect(loads()).toBe(1);
    }
    ccp()?.events?.onLoaded();
    time.pass(600_000);
    expect(loads()).toBe(0);
    ccp()?.events?.onFailed(dnsFailed);
    time.pass(1_000);
    expect(loads()).toBe(1);
  });

  it('has ours in its place from the second failure on, and comes back by itself', () => {
    const { ccp, did, time, windows, troubles, blocked, place, window } = atWork(opened(), false);
    ccp()?.events?.onFailed(dnsFailed);
    time.pass(1_000);
    expect(windows()).toEqual(['ccp']);
    did();
    ccp()?.events?.onFailed(dnsFailed);
    expect(windows()).toEqual(['ccp', 'blocked']);
    expect(did()).toEqual(['open blocked', 'hide ccp', 'state unreachable']);
    expect(troubles.at(-1)).toEqual(cannot);
    expect(blocked()?.at).toEqual(place);
    expect(window.isShut()).toBe(false);
    time.pass(2_000);
    did();
    ccp()?.events?.onLoaded();
    expect(did()).toEqual(['destroy blocked', 'unhide ccp', 'state open']);
    expect(troubles.at(-1)).toBeNull();
  });

  it('gives way to the gate, and begins anew when that opens', () => {
    const { ccp, did, time, windows, window, troubles } = atWork(opened(), false);
    for (let times = 0; times < 2; times += 1) ccp()?.events?.onFailed(dnsFailed);
    did();
    window.follow(closed());
    expect(windows()).toEqual(['blocked']);
    expect(did()).toEqual(['destroy ccp', 'state blocked', 'acknowledge closed']);
    expect(troubles.at(-1)).toBeNull();
    time.pass(600_000);
    expect(did()).not.toContain(`load ${url}`);
    window.follow(opened());
    expect(windows()).toEqual(['ccp']);
    expect(ccp()?.isHidden).toBe(false);
  });

  it('is closed with the page in its place, and asked for again by opening it', () => {
    const { ccp, did, windows, window, blocked } = atWork(opened(), false);
    for (let times = 0; times < 2; times += 1) ccp()?.events?.onFailed(dnsFailed);
    did();
    window.open();
    expect(did()).toEqual([`load ${url}`, 'show blocked']);
    blocked()?.close();
    expect(windows()).toEqual([]);
    expect(did()).toEqual(['remember closed', 'destroy ccp', 'state not-open']);
  });

  it('is told when nothing comes for long, without a load that cuts the one under way', () => {
    const { did, time, windows, troubles } = atWork(opened(), false);
    time.pass(SILENT_LOAD_MS - 1);
    expect(windows()).toEqual(['ccp']);
    time.pass(1);
    expect(windows()).toEqual(['ccp', 'blocked']);
    expect(troubles.at(-1)).toEqual({ kind: 'cannot-load', host: 'acme.my.connect.aws', error: null });
    expect(did()).not.toContain(`load ${url}`);
  });

  it.each([
    [
      'by a request of it',
      (events: CcpWindowEvents, to: string) => events.onFailed({ code: -20, error: 'ERR_BLOCKED_BY_CLIENT', url: to }),
    ],
    ['before it', (events: CcpWindowEvents, to: string) => events.onRefused(to)],
  ])('names the sign-in that the policy does not: refused %s', (_, refuse) => {
    const { ccp, did, time, windows, window, troubles } = atWork(opened(), false);
    const events = ccp()?.events;
    if (events) refuse(events, 'https://idp.example.net/start?x=1');
    expect(windows()).toEqual(['ccp', 'blocked']);
    expect(troubles.at(-1)).toEqual({ kind: 'not-in-policy', host: 'idp.example.net' });
    time.pass(REFUSED_AGAIN_MS - 1);
    window.follow(opened());
    expect(did()).not.toContain(`load ${url}`);
    const places = { url, origins: ['https://acme.my.connect.aws'], loginOrigins: ['https://idp.example.net'] };
    window.follow(view({ ccp: places }));
    expect(did()).toContain(`load ${url}`);
  });

  it('gives way at once to another instance, which nobody talks in either', () => {
    const { ccp, did, window, windows } = atWork(opened(), false);
    for (let times = 0; times < 2; times += 1) ccp()?.events?.onFailed(dnsFailed);
    did();
    window.follow(
      view({ ccp: { url: 'https://other.my.connect.aws/ccp-v2/', origins: ['https://other.my.connect.aws'], loginOrigins: [] } }),
    );
    expect(windows()).toEqual(['ccp']);
    expect(ccp()?.url).toBe('https://other.my.connect.aws/ccp-v2/');
    expect(ccp()?.isHidden).toBe(false);
  });

  it('tries again what led out of the policy, in a minute', () => {
    const { ccp, did, time } = atWork(opened(), false);
    ccp()?.events?.onRefused('https://idp.example.net/start');
    did();
    time.pass(REFUSED_AGAIN_MS - 1);
    expect(did()).not.toContain(`load ${url}`);
    time.pass(1);
    expect(did()).toContain(`load ${url}`);
  });

  it('is not a page that was kept from leading elsewhere, nor one that another took the place of', () => {
    const { ccp, did, time, windows } = atWork(opened(), false);
    ccp()?.events?.onLoaded();
    ccp()?.events?.onRefused('https://other.example.com/');
    ccp()?.events?.onFailed({ code: -3, error: 'ERR_ABORTED', url });
    time.pass(600_000);
    expect(windows()).toEqual(['ccp']);
    expect(did()).not.toContain(`load ${url}`);
  });

  it('neither hides nor loads over somebody who talks in a window of it', () => {
    const { ccp, did, time, windows } = atWork(opened(), false);
    ccp()?.events?.onMedia(true);
    for (let times = 0; times < 3; times += 1) ccp()?.events?.onFailed(dnsFailed);
    time.pass(60_000);
    expect(windows()).toEqual(['ccp']);
    expect(did()).not.toContain(`load ${url}`);
    ccp()?.events?.onMedia(false);
    time.pass(10_000);
    expect(windows()).toEqual(['ccp', 'blocked']);
    expect(did()).toContain(`load ${url}`);
  });
});
