import { quietly, send } from '../chromium/browser.ts';
import type { Protocol } from '../chromium/cdp.ts';
import { cancelable } from '../loud.ts';
import { loadError, type NetError, netErrorOf } from '../net-errors.ts';
import { fromBrowser, toBrowser } from '../schemes.ts';
import type { RigContents } from './contents.ts';
import { applyChecks } from './permissions.ts';

export interface Navigation {
  load(url: string): Promise<void>;
  reload(): void;
  isLoading(): boolean;
  title(): string;
  /** A document is asked for. True if the app itself asked (loadURL, reload): then no will-navigate. */
  requested(frameId: string, url: string, redirected: boolean): boolean;
  /** A document that a page asked for will not come. */
  refused(frameId: string): void;
  failed(loaderId: string, errorText: string): void;
  committed(frame: Protocol.Page.Frame, sessionId: string): void;
  movedWithinDocument(frameId: string, url: string): void;
  lifecycle(event: Protocol.Page.lifecycleEventPayload): void;
  /** The title may have changed. */
  retitle(): void;
  /** The page is gone: who waits for a load learns it. */
  abandon(): void;
}

interface Load {
  url: string;
  resolve(): void;
  reject(error: Error): void;
}

// A page that hangs does not keep its events back for ever.
const TITLE_MS = 500;
const aborted: NetError = { name: 'ERR_ABORTED', code: -3 };

/** Loads of the page, its title, and the events of both in the order that Electron emits them. */
export function navigation(contents: RigContents): Navigation {
  const loads = new Map<string, Load>();
  const loaded = new Set<string>();
  const failures = new Map<string, NetError>();
  /** False for the empty page that the browser makes first: Electron has no events for it. */
  let armed = false;
  let loading = false;
  let byApp = false;
  let title = '';
  let steps: Promise<unknown> = Promise.resolve();

  const step = (work: () => unknown) => {
    steps = steps.then(work).catch((error: unknown) => console.error('electron rig:', error));
  };
  const begin = () => {
    armed = true;
    if (loading) return;
    loading = true;
    contents.emit('did-start-loading');
  };
  const stop = () => {
    if (!loading) return;
    loading = false;
    contents.emit('did-stop-loading');
  };
  const readTitle = async () => {
    const read = send('Runtime.evaluate', { expression: 'document.title' }, contents.sessionId).then(
      ({ result }) => String(result.value ?? ''),
      () => title,
    );
    const now = await Promise.race([read, new Promise<string>((resolve) => setTimeout(resolve, TITLE_MS, title))]);
    if (now === title || contents.gone) return;
    title = now;
    contents.emit('page-title-updated', cancelable({}), title, true);
  };
  const failLoad = (url: string, { name, code }: NetError, isMainFrame: boolean) =>
    contents.emit('did-fail-load', {}, code, name, url, isMainFrame, 1, 1);

  return {
    load: async (url) => {
      await contents.ready;
      if (contents.gone) throw new Error('Object has been destroyed');
      begin();
      byApp = true;
      contents.crashed = false;
      const answer = await send('Page.navigate', { url: toBrowser(url) }, contents.sessionId).catch(() => null);
      byApp = false;
      if (!answer) {
        // Refused before anything was asked for, as an address is that is none.
        const error = { name: 'ERR_INVALID_URL', code: -300 };
        failLoad(url, error, true);
        stop();
        throw loadError(error, url);
      }
      const { loaderId, errorText } = answer;
      if (errorText && (!loaderId || netErrorOf(errorText).name === 'ERR_ABORTED')) {
        // No page comes of it, not even one that tells the error.
        const superseded = loads.size > 0;
        if (!superseded) stop();
        throw loadError(superseded ? aborted : { name: 'ERR_FAILED', code: -2 }, url);
      }
      if (!loaderId) {
        stop();
        return;
      }
      if (errorText) failures.set(loaderId, netErrorOf(errorText));
      if (loaded.has(loaderId)) {
        const failure = failures.get(loaderId);
        if (failure) throw loadError(failure, url);
        return;
      }
      for (const [id, load] of loads) {
        load.reject(loadError(aborted, load.url));
        loads.delete(id);
      }
      await new Promise<void>((resolve, reject) => loads.set(loaderId, { url, resolve, reject }));
    },
    reload: () => {
      byApp = true;
      contents.crashed = false;
      begin();
      quietly(send('Page.reload', {}, contents.sessionId));
    },
    isLoading: () => loading,
    title: () => title || displayed(contents.mainFrame.url),
    requested: (frameId, url, redirected) => {
      const isMainFrame = frameId === contents.targetId;
      const wanted = isMainFrame && byApp && !redirected;
      if (wanted) byApp = false;
      armed = true;
      if (isMainFrame && !redirected) {
        begin();
        const details = { url, isSameDocument: false, isMainFrame, frame: contents.frameOf(frameId) };
        contents.emit('did-start-navigation', details, url, false, isMainFrame, 1, 1);
      }
      return wanted;
    },
    refused: (frameId) => {
      if (frameId === contents.targetId && loads.size === 0) stop();
    },
    failed: (loaderId, errorText) => void failures.set(loaderId, netErrorOf(errorText)),
    committed: (committed, sessionId) => {
      const frame = contents.knowFrame(committed.id, committed.parentId ?? null, sessionId);
      const failedUrl = committed.unreachableUrl;
      frame.url = fromBrowser(failedUrl ?? committed.url + (committed.urlFragment ?? ''));
      frame.name = committed.name ?? '';
      const { url } = frame;
      const isMainFrame = frame.id === contents.targetId;
      if (url.startsWith('http')) contents.session.origins.add(new URL(toBrowser(url)).origin);
      quietly(applyChecks(contents, frame));
      if (!armed) return;
      step(() => {
        if (failedUrl) failLoad(url, failures.get(committed.loaderId) ?? { name: 'ERR_FAILED', code: -2 }, isMainFrame);
        else if (isMainFrame) {
          title = '';
          contents.emit('did-navigate', {}, url, 200, '');
        }
      });
    },
    movedWithinDocument: (frameId, url) => {
      const frame = contents.frameOf(frameId);
      if (!frame) return;
      frame.url = fromBrowser(url);
      contents.emit('did-navigate-in-page', {}, frame.url, frameId === contents.targetId, 1, 1);
    },
    lifecycle: ({ frameId, name, loaderId }) => {
      if (frameId !== contents.targetId || !armed) return;
      if (name === 'firstPaint' || name === 'load') contents.options.owner.painted();
      if (name === 'DOMContentLoaded') {
        step(async () => {
          await readTitle();
          contents.emit('dom-ready', {});
        });
      }
      if (name !== 'load') return;
      step(async () => {
        await readTitle();
        if (contents.gone) return;
        loaded.add(loaderId);
        contents.emit('did-finish-load', {});
        stop();
        const load = loads.get(loaderId);
        const failure = failures.get(loaderId);
        loads.delete(loaderId);
        if (failure) load?.reject(loadError(failure, load.url));
        else load?.resolve();
      });
    },
    retitle: () => {
      if (armed) step(readTitle);
    },
    abandon: () => {
      for (const load of loads.values()) load.reject(loadError(aborted, load.url));
      loads.clear();
    },
  };
}

/** What Chromium shows for a page without a title: its address, short. */
function displayed(url: string): string {
  const short = url.replace(/^http:\/\//, '');
  return /^[^/?#]+\/$/.test(short) || /^https:\/\/[^/?#]+\/$/.test(short) ? short.slice(0, -1) : short;
}
