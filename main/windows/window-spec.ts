import type { PageName } from '../../contracts/ipc.ts';

export type WindowKind = PageName | 'ccp';

/** What every window has, whatever it shows; a window of ours differs from a browser's tab only in what it may do less. */
const guarded = {
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInSubFrames: false,
  nodeIntegrationInWorker: false,
  webviewTag: false,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  navigateOnDragDrop: false,
  spellcheck: false,
  devTools: false,
} as const;

const shared = { show: false, autoHideMenuBar: true, title: 'Deskwarden' } as const;

/** As small as Connect's own panel can be used, and as wide as a browser opens it. */
const panel = { width: 420, height: 680, minWidth: 320, minHeight: 420 } as const;

const specs = {
  posture: { ...shared, width: 960, height: 700, minWidth: 420, minHeight: 420, webPreferences: guarded },
  // In the place of the panel, and as large.
  blocked: { ...shared, ...panel, webPreferences: guarded },
  banner: {
    ...shared,
    width: 420,
    height: 80,
    minHeight: 56,
    frame: false,
    resizable: false,
    minimizable: false,
    maximizable: false,
    fullscreenable: false,
    skipTaskbar: true,
    webPreferences: guarded,
  },
  // Never shown. A page that nobody sees is slowed down otherwise, and would measure that.
  probe: { ...shared, width: 320, height: 240, skipTaskbar: true, webPreferences: { ...guarded, backgroundThrottling: false } },
  // A call rings behind other windows, and before anybody touched the page.
  ccp: {
    ...shared,
    ...panel,
    title: 'Contact Control Panel',
    webPreferences: { ...guarded, backgroundThrottling: false, autoplayPolicy: 'no-user-gesture-required' },
  },
} as const satisfies Record<WindowKind, object>;

/** The only source of window options. A new object each time: Electron writes into what it is given. */
export function windowSpec<K extends WindowKind>(kind: K): (typeof specs)[K] {
  return structuredClone(specs[kind]);
}

/** What a page could ask for by the third argument of `window.open`, where Electron lets it. */
const plain = {
  frame: true,
  titleBarStyle: 'default',
  opacity: 1,
  transparent: false,
  alwaysOnTop: false,
  skipTaskbar: false,
  fullscreen: false,
  kiosk: false,
  closable: true,
  minimizable: true,
  movable: true,
  focusable: true,
  modal: false,
} as const;

/** A window that a page opens: shown at once, and like any other of the desktop. */
export function popupSpec() {
  return { ...windowSpec('ccp'), ...plain, show: true };
}

export function isPage(kind: WindowKind): kind is PageName {
  return kind !== 'ccp';
}
