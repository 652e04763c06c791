/** What the probe must see. `measured`: seen on a real Electron (25.1.1). `documented`: from Electron's documentation and sources. */
export interface Expectation {
  known: 'measured' | 'documented';
  value: unknown;
  /** Another value that is as right: it depends on the machine. */
  or?: unknown;
  /** Where the rig is known to differ. */
  onRig?: { value: unknown; because: string };
}

const measured = (value: unknown): Expectation => ({ known: 'measured', value });
const documented = (value: unknown): Expectation => ({ known: 'documented', value });

export const expected: Readonly<Record<string, Expectation>> = {
  'a window before ready': measured('throws Cannot create BrowserWindow before app is ready'),
  'ready at first': measured(false),
  loadURL: measured('loaded'),
  'load events': measured(['did-start-loading', 'did-navigate BASE/one', 'dom-ready', 'did-finish-load', 'did-stop-loading']),
  getURL: measured('BASE/one'),

  'ipc echo': measured([1, true, 5, true, true, true, true, 2, 'bigint', 'x', true, 'q', null, 2]),
  'ipc who': measured({ url: 'BASE/one', origin: 'BASE', parent: true, same: true }),
  'ipc error': measured([true, 'Error', "Error invoking remote method 'boom': TypeError: bad thing"]),
  'ipc missing': measured("Error invoking remote method 'missing': Error: No handler registered for 'missing'"),
  'ipc unclonable reply': measured("Error invoking remote method 'unclonable': Error: An object could not be cloned."),
  'ipc unclonable argument': measured('An object could not be cloned.'),
  'bridge callback': measured([2, 4]),
  'bridge return and closure': measured([2, 'function', 'c']),
  'bridge throw': measured([true, 'sync fail']),
  'bridge values': measured([1, true, true, true, false]),
  'bridge overwrite': measured('TypeError'),
  'preload environment': measured(['module not found: fs', 'renderer', true, true, 'string']),
  'page sees': measured(['undefined', 'undefined', 'undefined', 'undefined', null]),
  'send to page': measured([1, true, 'two']),
  'executeJavaScript error': measured(
    'throws Script failed to execute, this normally means an error was thrown. Check the renderer console for the error.',
  ),
  'executeJavaScript reject': measured('throws nope'),

  link: documented(['will-frame-navigate BASE/two page by the page', 'will-navigate BASE/two', 'did-navigate BASE/two']),
  'refused navigation': documented(['BASE/two', 'will-frame-navigate BASE/deny page by the page', 'will-navigate BASE/deny', false]),
  redirect: measured(['will-redirect BASE/two', 'did-navigate BASE/two']),
  'frame inside': documented(['will-frame-navigate BASE/inner frame by the page', ['object', 'undefined']]),
  'navigation of a frame by itself': documented(['will-frame-navigate OTHER/inner2 frame by a frame']),
  'title of an untitled page': measured(true),
  'title changed by the page': documented([true, 'changed']),
  'connection refused': measured(['ERR_UNSAFE_PORT', -312]),
  'bad certificate': documented(['ERR_CERT_AUTHORITY_INVALID', 'TLS/', 'net::ERR_CERT_AUTHORITY_INVALID']),
  'window.open denied': measured(['null', 0, 'open BASE/popup name']),
  'link to a new window denied': documented([0, 'open BASE/two ']),
  'window.open allowed': documented(['object', 'BASE/popup', true]),
  'a script closes a window that no script opened': documented([true, 'closed']),
  'beforeunload keeps its window': documented([true, true, 'close', 'will-prevent-unload', 'close', 'will-prevent-unload', 'closed']),
  'beforeunload keeps its page': documented([true, true, 'will-prevent-unload', 'closed']),

  'webRequest request headers': measured({ x: 'yes' }),
  'webRequest cancels fetch': measured('TypeError'),
  'webRequest cancels the page': documented([
    'ERR_BLOCKED_BY_CLIENT',
    -20,
    "ERR_BLOCKED_BY_CLIENT (-20) loading 'BASE/block2'",
    'did-start-loading',
    'did-fail-load -20 ERR_BLOCKED_BY_CLIENT',
    'dom-ready',
    'did-finish-load',
    'did-stop-loading',
    'BASE/block2',
  ]),
  'webRequest policy header': measured('blocked'),
  'WebSocket open': documented(['open', 'SOCKET/live', true]),
  'WebSocket cancelled': documented(['error', 1006, false, 'SOCKET/new', 3, 'webSocket SOCKET/new']),
  'WebSocket cancelled in a frame': documented(['closed 1006', 'webSocket SOCKET/frame']),
  'WebSocket cancelled in a worker': documented(['closed 1006', 'webSocket SOCKET/worker']),
  'fetch cancelled in a worker': documented(['failed', 'xhr BASE/api']),
  'cancelled in a service worker': documented(['failed', 'closed 1006', 'webSocket SOCKET/service', 'xhr BASE/api']),
  'an open WebSocket outlives cancelling': measured(1),
  'destroying a window closes its sockets': documented(true),
  'protocol.handle': measured(['probe://host/page?q=1', '/page']),
  'identity in the page': {
    ...documented(['probe:', 'host', true, 'probe://host', 'probe://host/page?q=1']),
    onRig: {
      value: ['https:', 'host.probe.electron-rig.invalid', true, 'probe://host', 'probe://host/page?q=1'],
      because: 'no script may redefine `location`',
    },
  },
  'sender of an own scheme': measured({ url: 'probe://host/page?q=1', origin: 'probe://host', parent: true, same: true }),
  'another session lacks the scheme': measured('ERR_FAILED'),

  'cookies apart': measured(['k=v', '']),
  clearStorageData: documented(['', null]),
  'without a handler all is granted': measured('granted'),
  'request handler refuses': measured(['denied', 'permission notifications']),
  'check handler refuses': documented('NotAllowedError'),

  'sound of an element in no document': documented(['audible true', 'started', true]),
  'sound paused': documented(['audible false', 'paused', false]),
  'far voice of a call': documented(['audible true', 'started', true]),
  'navigating away ends media': documented(['audible false', 'paused', false]),

  nativeTheme: measured([true, false, false]),
  'close can be prevented': measured(false),
  'child window': documented([true, 1, true, false, true]),
  bounds: documented([400, 250, true]),
  menu: measured([11, 3, 'checkbox', null]),
  utilityProcess: documented(['spawn', { n: 40, isDate: true }, 'exit']),
  safeStorage: { ...documented('s3'), or: 'no keyring' },
  'login item': measured('boolean'),
  languages: documented([true, 'string']),
  clipboard: documented('probe'),
  powerMonitor: documented(['suspend', 'resume', 'lock-screen']),
  tray: documented(true),
  notification: documented(['T', 'B', true]),
  crash: documented(['crashed', 'true crashed', true, false, '/two']),
  'use after destroy': measured('throws Object has been destroyed'),
};
