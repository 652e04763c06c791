import path from 'node:path';
import { BrowserWindow, type BrowserWindowConstructorOptions, type Session, screen, type WebContents } from 'electron';
import type { WindowBounds } from '../settings.ts';
import { createCrashRule } from '../windows/crash-rule.ts';
import { placeOn } from '../windows/place.ts';
import { isPage, popupSpec, type WindowKind, windowSpec } from '../windows/window-spec.ts';

export interface Place {
  bounds?: WindowBounds | undefined;
  parent?: BrowserWindow;
}

export interface Windows {
  open(kind: WindowKind, place?: Place): BrowserWindow;
  /** For a window that a page opens. */
  popupOptions(): BrowserWindowConstructorOptions;
  /** A window that a page opened, and was allowed to. */
  adopt(window: BrowserWindow, kind: WindowKind | null): void;
  kindOf(contents: WebContents | null): WindowKind | null;
  of(kind: WindowKind): BrowserWindow[];
}

/** The only place where windows are made. */
export function createWindows(ccpSession: () => Session, monotonicMs: () => number): Windows {
  const kinds = new WeakMap<WebContents, WindowKind>();
  const afterCrash = createCrashRule(monotonicMs);
  return {
    open(kind, { bounds, ...place } = {}) {
      const { webPreferences, ...spec } = windowSpec(kind);
      const page = isPage(kind) ? { preload: path.join(__dirname, 'preload.cjs') } : { session: ccpSession() };
      const screens = screen.getAllDisplays().map(({ workArea }) => workArea);
      const options: BrowserWindowConstructorOptions = { ...spec, ...placeOn(bounds, screens), ...place };
      const window = new BrowserWindow({ ...options, webPreferences: { ...webPreferences, ...page } });
      kinds.set(window.webContents, kind);
      window.webContents.on('render-process-gone', (_event, { reason }) => {
        const next = window.isDestroyed() ? 'leave' : afterCrash(kind, reason);
        if (next === 'reload') window.webContents.reload();
        if (next === 'destroy') window.destroy();
      });
      return window;
    },
    // Chromium gives a script's window its opener's session; one that a link opens elsewhere gets the default one if not told.
    popupOptions() {
      const { webPreferences, ...spec } = popupSpec();
      return { ...spec, webPreferences: { ...webPreferences, session: ccpSession() } };
    },
    adopt(window, kind) {
      if (kind === 'ccp' && window.webContents.session === ccpSession()) kinds.set(window.webContents, kind);
      else window.destroy();
    },
    kindOf: (contents) => (contents && kinds.get(contents)) ?? null,
    of: (kind) => BrowserWindow.getAllWindows().filter((window) => kinds.get(window.webContents) === kind),
  };
}
