import { describe, expect, it } from 'vitest';
import type { CcpWindowEvents } from '../../../../main/ccp/ccp-ports.ts';
import { bannerHandle, blockedHandle, ccpHandle } from '../../../../main/ccp/window-handles.ts';
import { postureHandle } from '../../../../main/windows/posture-handle.ts';
import { FakeWindow } from './fake-window.ts';

const URL = 'https://acme.my.connect.aws/ccp-v2/';

function stage(mayClose = true) {
  const told: unknown[] = [];
  const note =
    (name: string) =>
    (...args: unknown[]) =>
      void told.push([name, ...args].join(' '));
  const events: CcpWindowEvents = {
    onClosing: () => mayClose,
    onGone: note('gone'),
    onMedia: note('media'),
    onCrashed: note('crashed'),
    onLoaded: note('loaded'),
    onFailed: ({ code, url }) => note('failed')(code, url),
    onRefused: note('refused'),
  };
  const window = new FakeWindow();
  let nowMs = 0;
  const handle = ccpHandle(window, URL, events, () => nowMs);
  const wait = () => {
    nowMs += 60_000;
  };
  return { window, handle, told, wait };
}

describe('the CCP’s window', () => {
  it('loads its page, and is shown without the keyboard once there is something to see', () => {
    const { window } = stage();
    window.emit('ready-to-show');
    expect(window.did).toEqual([`load ${URL}`, 'showInactive']);
  });

  it('stays hidden when it is ready only then', () => {
    const { window, handle } = stage();
    handle.setHidden(true);
    window.emit('ready-to-show');
    expect(window.did).toEqual([`load ${URL}`, 'hide']);
  });

  it('is asked whether it may close', () => {
    for (const mayClose of [true, false]) {
      let isPrevented = false;
      const preventDefault = () => {
        isPrevented = true;
      };
      stage(mayClose).window.emit('close', { preventDefault });
      expect(isPrevented).toBe(!mayClose);
    }
  });

  it('tells of failures and refusals of its own frame alone', () => {
    const { window, told } = stage();
    const { webContents } = window;
    for (const isMainFrame of [false, true]) {
      webContents.emit('did-fail-load', {}, -105, 'ERR_NAME_NOT_RESOLVED', `${URL}${isMainFrame}`, isMainFrame);
      for (const defaultPrevented of [false, true]) {
        webContents.emit('will-frame-navigate', { isMainFrame, defaultPrevented, url: 'https://a.example/' });
        webContents.emit('will-redirect', { isMainFrame, defaultPrevented, url: 'https://b.example/' });
      }
    }
    expect(told).toEqual([`failed -105 ${URL}true`, 'refused https://a.example/', 'refused https://b.example/']);
  });

  it('is remembered as large as it is when it is neither maximized nor minimized', () => {
    const { window, handle } = stage();
    const { normal } = window;
    window.bounds = { x: 0, y: 0, width: 1_920, height: 1_040 };
    expect(handle.bounds()).toEqual(normal);
  });

  it('stays in mind where it was moved to, when its page closes it', () => {
    const { window, handle, told } = stage();
    window.normal = { x: 500, y: 60, width: 400, height: 600 };
    window.emit('move');
    window.destroy();
    expect(told.at(-1)).toBe('gone');
    expect(handle.bounds()).toEqual({ x: 500, y: 60, width: 400, height: 600 });
    handle.bringForward();
    expect(window.did).toEqual([`load ${URL}`, 'destroy']);
  });

  it('comes forward as large as it is', () => {
    const { window, handle } = stage();
    handle.bringForward();
    window.isSmall = true;
    handle.bringForward();
    expect(window.did).toEqual([`load ${URL}`, 'show', 'focus', 'restore', 'show', 'focus']);
  });
});

describe('what it opens', () => {
  it('plays for it, and no longer once it is gone', () => {
    const { window, told, wait } = stage();
    const popup = window.opens();
    const deep = popup.opens();
    deep.webContents.emit('media-started-playing');
    window.webContents.emit('audio-state-changed', { audible: true });
    expect(told.at(-1)).toBe('media true');
    window.webContents.emit('audio-state-changed', { audible: false });
    expect(told.at(-1)).toBe('media true');
    wait();
    deep.destroy();
    expect(told.at(-1)).toBe('media false');
  });

  it.each(['destroy', 'gone'])('goes with it: %s', (how) => {
    const { window, handle } = stage();
    const popup = window.opens();
    const closed = window.opens();
    const deep = popup.opens();
    closed.destroy();
    if (how === 'destroy') handle.destroy();
    else window.destroy();
    expect([popup, deep, closed].map(({ did }) => did)).toEqual([['destroy'], ['destroy'], ['destroy']]);
  });

  it('is left alone where it may not be, and is gone already', () => {
    const { window, told } = stage();
    const popup = new FakeWindow();
    popup.destroy();
    window.webContents.emit('did-create-window', popup);
    popup.webContents.emit('media-started-playing');
    expect(told).toEqual([]);
  });
});

it('our page in its place tells when it is closed', () => {
  const window = new FakeWindow();
  let isGone = false;
  const handle = blockedHandle(window, 'app://ui/blocked.html', () => {
    isGone = true;
  });
  window.emit('ready-to-show');
  handle.destroy();
  expect([window.did, isGone]).toEqual([['load app://ui/blocked.html', 'showInactive', 'destroy'], true]);
});

it('the banner follows the window as it stands on the screen, until it goes', () => {
  const over = new FakeWindow();
  const banner = new FakeWindow();
  banner.normal = { x: 0, y: 0, width: 420, height: 80 };
  const screen = { x: 0, y: 0, width: 1_920, height: 1_040 };
  const handle = bannerHandle(banner, 'app://ui/banner.html', { over, workAreaOf: () => screen }, () => {});
  over.bounds = { x: 100, y: 300, width: 500, height: 600 };
  over.emit('resize');
  expect(banner.normal).toEqual({ x: 100, y: 220, width: 500, height: 80 });
  handle.destroy();
  expect([over.listenerCount('move'), over.listenerCount('resize'), banner.isDestroyed()]).toEqual([0, 0, true]);
});

it('the posture window remembers its size from before it was maximized, and nothing where it fell over', () => {
  for (const isClosed of [true, false]) {
    const window = new FakeWindow();
    const saved: unknown[] = [];
    postureHandle(window, 'app://ui/posture.html').onClosed((bounds) => saved.push(bounds));
    window.bounds = { x: 0, y: 0, width: 1_920, height: 1_040 };
    if (isClosed) window.emit('close', {});
    window.destroy();
    expect(saved).toEqual([isClosed ? window.normal : null]);
  }
});
