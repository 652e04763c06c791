import type { Texts } from '../checks/texts/lookup.ts';
import { textsFor } from '../checks/texts/lookup.ts';
import type { CheckId } from '../contracts/finding.ts';
import type { LocaleChoice, ProbeTask } from '../contracts/ipc.ts';
import { askBeforeQuit, type QuitPorts } from './ask-before-quit.ts';
import type { CcpPorts } from './ccp/ccp-ports.ts';
import { createCcpWindow } from './ccp/ccp-window.ts';
import type { DeepLink } from './deep-link.ts';
import { createDesk, type DeskPorts, type DeskStart } from './desk/create-desk.ts';
import { createSaveBundle, programPaths, type SaveBundlePorts } from './desk/save-bundle.ts';
import type { IpcPort } from './ipc/ipc-port.ts';
import { pageHandlers } from './ipc/page-handlers.ts';
import { servePages } from './ipc/serve-pages.ts';
import { tellViews } from './ipc/tell-views.ts';
import { createLinkPace } from './link-pace.ts';
import { localeInUse } from './locale-in-use.ts';
import { type ProbePage, startSessionProbes } from './probes/session-probes.ts';
import { recheckAll } from './recheck.ts';
import type { SettingsFile, WindowBounds } from './settings.ts';
import type { Notice } from './tray/choose-notice.ts';
import { driveTray } from './tray/drive-tray.ts';
import type { TrayAction, TrayModel } from './tray/tray-model.ts';
import { createPostureWindow, type PostureHandle } from './windows/posture-window.ts';
import { type ContentsRules, ccpSessionRules, contentsRules, type SessionRules } from './windows/window-rules.ts';

export interface ShellPorts extends DeskPorts {
  settings: SettingsFile;
  app: DeskStart['app'];
  /** Of the operating system, the most wanted first. */
  preferredLocales(): readonly string[];
  downloadsDir: string;
  bundle: SaveBundlePorts;
  ipc: IpcPort;
  openPosture(url: string, bounds: WindowBounds | undefined): PostureHandle;
  /** `texts`: in the language of the moment. */
  ccpWindows(texts: () => Texts): Pick<CcpPorts, 'openCcp' | 'openBlocked' | 'openBanner' | 'offerReload'> & Pick<QuitPorts, 'confirmQuit'>;
  probePage(send: (task: ProbeTask) => void, onGone: () => void): ProbePage;
  tray(onAction: (action: TrayAction) => void): { render(model: TrayModel): void; destroy(): void };
  notices(onClick: () => void): (notice: Notice) => void;
  quit(): void;
}

export interface Shell {
  follow(link: DeepLink): void;
  wake(): void;
  /** Asked when the app is to end, and it has stopped then; false where its user is asked first, and it goes on. */
  mayEnd(): boolean;
  stop(): void;
  ccpSession: SessionRules;
  contents: ContentsRules;
  /** What the tray shows, for tests. */
  tray(): TrayModel | null;
}

/** Puts the parts of the app together; what they do to the machine, the ports do. */
export function startShell(ports: ShellPorts): Shell {
  const { settings, after, monotonicMs } = ports;
  const localeOf = (choice: LocaleChoice) => ({ choice, inUse: localeInUse(choice, ports.preferredLocales()) });
  const desk = createDesk(ports, { app: ports.app, locale: localeOf(settings.current().locale) });

  const posture = createPostureWindow({
    open: (url) => ports.openPosture(url, settings.current().windows.posture),
    saveBounds: (posture) => settings.change({ windows: { ...settings.current().windows, posture } }),
  });
  const ccpWindows = ports.ccpWindows(() => textsFor(desk.view().locale.inUse));
  const ccp = createCcpWindow({
    ...ccpWindows,
    wasOpen: () => settings.current().ccpOpen,
    rememberOpen: (ccpOpen, place) =>
      settings.change({ ccpOpen, ...(place && { windows: { ...settings.current().windows, ccp: place } }) }),
    acknowledge: desk.acknowledgeWindow,
    reportActivity(says) {
      desk.reportActivity(says);
      probes.callChanged();
    },
    show: desk.showCcp,
    after,
    monotonicMs,
  });
  const probes = startSessionProbes({
    desk,
    page: ports.probePage(
      (task) => pages.tell('probe', task),
      () => probes.gone(),
    ),
    isCcpLive: ccp.isOnCall,
    monotonicMs,
    random: ports.random,
  });
  const mayFollow = createLinkPace(monotonicMs);
  const recheck = (check?: CheckId) => recheckAll(desk, probes, check);
  const openCcp = () => ccp.open() === 'opened';
  const saveBundle = createSaveBundle(programPaths[ports.app.platform], ports.downloadsDir, ports.bundle);
  const setLocale = (choice: LocaleChoice) => {
    settings.change({ locale: choice });
    desk.showLocale(choice, localeOf(choice).inUse);
  };

  const pages = servePages({
    port: ports.ipc,
    handlers: pageHandlers({
      desk,
      recheck,
      openCcp,
      openPosture: () => posture.show(),
      saveBundle,
      setLocale,
      devicesChanged: probes.devicesChanged,
      probeReady: probes.ready,
      probeDone: probes.done,
    }),
    monotonicMs,
    onRefused: ports.onTrouble,
  });
  desk.onChange(tellViews(after, monotonicMs, (view) => pages.tell('viewChanged', view)));
  /** Asked for by the link that started the app, before anything was known of where it leads. */
  let isCcpAsked = false;
  desk.onChange((view) => {
    ccp.follow(view);
    if (!isCcpAsked || view.snapshot === null) return;
    isCcpAsked = false;
    openCcp();
  });

  /** In the window it can be tried again, and is told why. */
  const showRefusal = (answer: Promise<{ ok: boolean }>) => void answer.then(({ ok }) => ok || posture.show());
  const act = (action: TrayAction) => {
    switch (action) {
      case 'open-posture':
        return posture.show();
      case 'about':
        return posture.show('about');
      case 'open-ccp':
        return void openCcp();
      case 'recheck':
        return showRefusal(recheck());
      case 'save-bundle':
        return showRefusal(saveBundle());
      case 'quit':
        return ports.quit();
      default:
        return setLocale(localeOfAction(action));
    }
  };
  let drawn: TrayModel | null = null;
  let isStopped = false;
  const tray = ports.tray(act);
  const stopTray = driveTray({
    desk,
    textsOf: (locale) => textsFor(locale),
    render(model) {
      drawn = model;
      tray.render(model);
    },
    notify: ports.notices(() => posture.show()),
    after,
    now: () => new Date(ports.wallMs()),
  });

  const mayEnd = askBeforeQuit({ isOnCall: ccp.isOnCall, confirmQuit: ccpWindows.confirmQuit, quit: ports.quit });
  const stop = () => {
    if (isStopped) return;
    isStopped = true;
    // First, while its window is still there: from now on no call holds it up, and no close is its user's.
    ccp.stop();
    stopTray();
    tray.destroy();
    probes.stop();
    desk.stop();
  };

  return {
    follow(link) {
      if (!mayFollow(link)) return;
      if (link.kind === 'ccp') {
        isCcpAsked = !openCcp() && desk.view().snapshot === null;
        return;
      }
      if (link.kind === 'recheck') void recheck();
      posture.show(link.kind === 'check' ? `check/${link.check}` : undefined);
    },
    wake: desk.wake,
    mayEnd() {
      const isSo = isStopped || mayEnd();
      if (isSo) stop();
      return isSo;
    },
    stop,
    ccpSession: ccpSessionRules(ccp),
    contents: contentsRules(ccp),
    tray: () => drawn,
  };
}

function localeOfAction(action: `locale-${LocaleChoice}`): LocaleChoice {
  return action.slice('locale-'.length) as LocaleChoice;
}
