import type { CcpPorts, CcpWindowEvents } from '../../../../main/ccp/ccp-ports.ts';
import { fakeTime } from '../fake-after.ts';

export interface FakeWindow {
  kind: 'ccp' | 'blocked' | 'banner';
  url: string | null;
  at: unknown;
  events: CcpWindowEvents | null;
  isHidden: boolean;
  /** Played in it, and not stopped since. */
  isPlaying: boolean;
  /** True where it goes at once. */
  close(): boolean;
}

/** Windows that only remember; `did` tells in order what was done with them, and what was said about it. */
export function fakeWindows(wasOpen = false, onDestroy: (window: FakeWindow) => void = () => {}) {
  const time = fakeTime();
  const did: string[] = [];
  const living: FakeWindow[] = [];
  let closing: FakeWindow | null = null;
  const offers: ((isAccepted: boolean) => void)[] = [];
  const offered: AbortSignal[] = [];
  const places: unknown[] = [];
  const troubles: unknown[] = [];
  const place = { x: 10, y: 20, width: 420, height: 680 };

  const make = (kind: FakeWindow['kind'], more: Partial<FakeWindow>) => {
    const window: FakeWindow = { kind, url: null, at: null, events: null, isHidden: false, isPlaying: false, close: () => true, ...more };
    living.push(window);
    did.push(`open ${kind}`);
    return {
      bringForward: () => void did.push(`show ${kind}`),
      minimise: () => void did.push(`minimise ${kind}`),
      setHidden(is: boolean) {
        window.isHidden = is;
        did.push(`${is ? 'hide' : 'unhide'} ${kind}`);
      },
      load: (url: string) => void did.push(`load ${url}`),
      bounds: () => place,
      destroy() {
        const index = living.indexOf(window);
        if (index < 0) throw new Error(`${kind} is destroyed twice`);
        // Electron may crash there.
        if (closing === window) throw new Error(`${kind} is destroyed while it asks whether it may close`);
        onDestroy(window);
        living.splice(index, 1);
        did.push(`destroy ${kind}`);
      },
    };
  };

  const ports: CcpPorts = {
    openCcp: (url, at, events) =>
      make('ccp', {
        url,
        at,
        events,
        close() {
          closing = living.find((one) => one.events === events) ?? null;
          const mayClose = events.onClosing();
          closing = null;
          // It lingers until its page is gone.
          return mayClose;
        },
      }),
    openBlocked: (at, onClosing) => {
      const close = () => {
        onClosing();
        living.splice(0, living.length, ...living.filter((one) => one.close !== close));
        return true;
      };
      return make('blocked', { at, close });
    },
    openBanner: () => make('banner', {}),
    wasOpen: () => wasOpen,
    rememberOpen(isOpen, at) {
      did.push(`remember ${isOpen ? 'open' : 'closed'}`);
      places.push(at);
    },
    offerReload: (signal) => {
      did.push('offer reload');
      offered.push(signal);
      return new Promise((resolve) => offers.push(resolve));
    },
    acknowledge: (applied) => void did.push(`acknowledge ${applied}`),
    reportActivity: (says) => void did.push(`says ${says}`),
    show(state, trouble) {
      did.push(`state ${state}`);
      troubles.push(trouble);
    },
    after: time.after,
    monotonicMs: time.nowMs,
  };

  return {
    ports,
    time,
    place,
    /** As it was remembered, in order. */
    places,
    offers,
    /** Each as it was told with a state. */
    troubles,
    isOffering: () => offered.length > 0 && offered.at(-1)?.aborted === false,
    windows: () => living.map(({ kind }) => kind),
    ccp: () => living.find(({ kind }) => kind === 'ccp') ?? null,
    blocked: () => living.find(({ kind }) => kind === 'blocked') ?? null,
    /** Since it was last asked. */
    did: () => did.splice(0),
  };
}
