import path from 'node:path';
import { app, shell as desktop, session } from 'electron';
import { DaemonConfig } from '../contracts/config.ts';
import { createCallRate } from '../contracts/local-link/call-rate.ts';
import type { After } from '../contracts/local-link/link.ts';
import { deepLinkOf, readDeepLink } from './deep-link.ts';
import { connectDaemon } from './desk/connect-daemon.ts';
import { runProgram } from './desk/save-bundle.ts';
import { watchForDaemon } from './desk/watch-for-daemon.ts';
import { attachApp, settleApp } from './electron/app.ts';
import { ccpWindowPorts } from './electron/ccp-window.ts';
import { guardContents } from './electron/contents.ts';
import { createIpcPort } from './electron/ipc.ts';
import { createNotices } from './electron/notices.ts';
import { createProbePage } from './electron/probe-page.ts';
import { registerAppScheme, serveAppPages } from './electron/protocol.ts';
import { ccpSession, denyAll, guardSession } from './electron/sessions.ts';
import { createTray } from './electron/tray.ts';
import { createWindows } from './electron/windows.ts';
import { openSettings } from './settings.ts';
import { type Shell, startShell } from './shell.ts';
import { START_HIDDEN, type StartFacts, startRules } from './start-rules.ts';
import { postureHandle } from './windows/posture-handle.ts';
import { pageSession } from './windows/window-rules.ts';

const { argv, env } = process;
const platform: StartFacts['platform'] = process.platform === 'win32' || process.platform === 'darwin' ? process.platform : 'linux';
const uid = process.getuid?.() ?? null;
const runDir = (__E2E__ ? env.DESKWARDEN_RUN_DIR : undefined) ?? DaemonConfig.parse({ schema: 1 }).runDir;
// Tests are not always root's.
const owners = __E2E__ && uid !== null ? [0, uid] : [0];

const monotonicMs = () => performance.now();
const after: After = (ms, run) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};
/** A page that goes round in circles fills no log. */
const mayNote = createCallRate(1, 20, monotonicMs);
const note = (detail: string) => {
  if (mayNote()) console.error(`deskwarden-app: ${detail}`);
};

let shell: Shell | null = null;
/** What was asked for before there was anything to ask. */
let early = deepLinkOf(argv);
const follow = (link: typeof early) => {
  if (shell && link) shell.follow(link);
  else early = link ?? early;
};

app.enableSandbox();
registerAppScheme();
app.on('session-created', denyAll);
const windows = createWindows(ccpSession, monotonicMs);
if (app.requestSingleInstanceLock()) {
  attachApp({
    onArguments: (args) => follow(deepLinkOf(args) ?? (args.includes(START_HIDDEN) ? null : { kind: 'open' })),
    onLink: (url) => follow(readDeepLink(url)),
    onQuit: () => shell?.mayEnd() ?? true,
  });
  void app
    .whenReady()
    .then(start)
    .catch((error) => {
      // Half an app would keep the next one from starting.
      console.error(`deskwarden-app: ${error}`);
      app.exit(1);
    });
} else {
  app.quit();
}

function start(): void {
  const settings = openSettings(path.join(app.getPath('userData'), 'settings.json'), note);
  const facts = { platform, isPackaged: app.isPackaged, startsAtLogin: settings.current().startsAtLogin, argv };
  const rules = startRules({ ...facts, wasOpenedAtLogin: app.getLoginItemSettings().wasOpenedAtLogin });
  const started = startShell({
    settings,
    app: { version: app.getVersion(), platform },
    preferredLocales: () => app.getPreferredSystemLanguages(),
    connect: () => connectDaemon({ runDir, uid, owners }, after),
    watchForDaemon: (onSign) => watchForDaemon(runDir, uid, onSign),
    after,
    monotonicMs,
    wallMs: Date.now,
    random: Math.random,
    onTrouble: note,
    downloadsDir: app.getPath('downloads'),
    bundle: {
      run: (program, args) => runProgram(program, args, { PATH: '/usr/bin:/bin', HOME: app.getPath('home') }),
      wallMs: Date.now,
      show: (filePath) => desktop.showItemInFolder(filePath),
    },
    ipc: createIpcPort(windows),
    openPosture: (url, bounds) => postureHandle(windows.open('posture', { bounds }), url),
    ccpWindows: (texts) => ccpWindowPorts(windows, () => settings.current().windows.ccp, texts, monotonicMs),
    probePage: (send, onGone) => createProbePage(windows, send, onGone),
    tray: (onAction) => createTray(platform, onAction),
    notices: createNotices,
    quit: () => app.quit(),
  });
  shell = started;
  guardSession(session.defaultSession, pageSession, windows.kindOf);
  guardSession(ccpSession(), started.ccpSession, windows.kindOf);
  guardContents(windows, monotonicMs, started.contents, note);
  serveAppPages(path.join(__dirname, 'ui'));
  settleApp(rules, started.wake);
  if (rules.setsLoginItem) settings.change({ startsAtLogin: true });
  if (early) started.follow(early);
  else if (rules.showsWindow) started.follow({ kind: 'open' });
  if (__E2E__) Object.assign(globalThis, { deskwardenApp: { tray: started.tray } });
}
