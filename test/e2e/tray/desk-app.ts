import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ElectronApplication, Page } from 'playwright';
import { describeMissing, missingTools } from '../../../build/debian-tools.ts';
import type { PageName } from '../../../contracts/ipc.ts';
import type { TrayAction, TrayModel } from '../../../main/tray/tray-model.ts';
import { electronCommand, type LaunchOptions, launchApp, realElectronDir } from '../../electron-rig/launch.ts';
import { buildApp } from './build-app.ts';
import { CCP_HOST, type CcpSite, startCcpSite } from './ccp-site.ts';

/** A first build, and a start on a busy machine. */
export const START_MS = 120_000;
/** Of a single step on a machine that does other things too. */
export const STEP_MS = 15_000;

const missing = missingTools('browser').filter(({ tool }) => tool !== 'chromium' || realElectronDir === undefined);
export const whyNoTray = missing.length === 0 ? null : describeMissing(missing);
export const which = realElectronDir === undefined ? 'the rig' : 'a real Electron';

/** The name of one of the app's own pages, the CCP's window, or what else a window shows: then its address. */
export type Showing = PageName | 'ccp' | string;

export interface DeskApp {
  app: ElectronApplication;
  /** What the tray shows. */
  tray(): Promise<TrayModel>;
  /** As a click on that item of the tray's menu. */
  choose(action: TrayAction): Promise<void>;
  /** Titles of what was notified so far. */
  notices(): Promise<string[]>;
  /** What its user was asked, all answered by the first of the buttons. */
  asked(): Promise<string[]>;
  /** Addresses that the user's own browser was given. */
  opened(): Promise<string[]>;
  /** What each window shows, hidden ones too. */
  showing(): Promise<Showing[]>;
  /** Waits until a window shows it. */
  page(showing: Showing): Promise<Page>;
  bounds(showing: Showing): Promise<{ x: number; y: number; width: number; height: number } | null>;
  /** A start of the app while it runs; gives its exit code. */
  startAgain(...args: string[]): Promise<number | null>;
  close(): Promise<void>;
}

export interface LaunchDesk {
  dir: string;
  runDir: string;
  site: Pick<CcpSite, 'switches' | 'browserHome'>;
  headed?: boolean;
  args?: readonly string[];
}

/** A directory of its own, and the site. */
export async function stageTray(): Promise<{ dir: string; site: CcpSite; close(): Promise<void> }> {
  const dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-tray-'));
  await chmod(dir, 0o755);
  const site = await startCcpSite(dir);
  return {
    dir,
    site,
    async close() {
      await site.close();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export async function launchDesk({ dir, runDir, site, headed = false, args = [] }: LaunchDesk): Promise<DeskApp> {
  const options: LaunchOptions = {
    appDir: await buildApp(),
    userDataDir: path.join(dir, 'user'),
    env: { ...inherited(), DESKWARDEN_RUN_DIR: runDir },
    headed,
    chromium: [...site.switches, '--lang=en-US'],
    browserHome: site.browserHome,
    args,
  };
  const app = await launchApp(options);
  if (realElectronDir !== undefined) await recordDesktop(app);
  const showing = () => Promise.resolve(app.windows().map(showingOf));
  const tray = async () => {
    const model = await app.evaluate(() => (Reflect.get(globalThis, 'deskwardenApp') as { tray(): unknown } | undefined)?.tray());
    return model as TrayModel | null | undefined;
  };
  await until(async () => Boolean(await tray()));
  return {
    app,
    tray: async () => (await tray()) as TrayModel,
    choose: (action) =>
      app.evaluate((_electron, id) => {
        const { trays } = Reflect.get(globalThis, '__electronRig') as {
          trays: { menu: { getMenuItemById(id: string): { click(): void } | null } }[];
        };
        const item = trays.at(-1)?.menu.getMenuItemById(id);
        if (!item) throw new Error(`no item ${id}`);
        item.click();
      }, action),
    notices: () =>
      app.evaluate(() => {
        const { notifications } = Reflect.get(globalThis, '__electronRig') as { notifications: { title: string }[] };
        return notifications.map(({ title }) => title);
      }),
    asked: () =>
      app.evaluate(() =>
        (Reflect.get(globalThis, '__electronRig') as { dialogs: { message: string }[] }).dialogs.map(({ message }) => message),
      ),
    opened: () => app.evaluate(() => [...(Reflect.get(globalThis, '__electronRig') as { opened: string[] }).opened]),
    showing,
    async page(wanted) {
      for (const deadline = performance.now() + STEP_MS; ; await delay(20)) {
        const page = app.windows().find((one) => !one.isClosed() && showingOf(one) === wanted);
        if (page) return page;
        if (performance.now() > deadline) throw new Error(`no window shows ${wanted}, but ${(await showing()).join(', ')}`);
      }
    },
    bounds: (wanted) =>
      app.evaluate(
        ({ BrowserWindow }, part) => {
          return (
            BrowserWindow.getAllWindows()
              .find(({ webContents }) => webContents.getURL().includes(part))
              ?.getBounds() ?? null
          );
        },
        wanted === 'ccp' ? CCP_HOST : `/${wanted}.html`,
      ),
    async startAgain(...more) {
      const command = await electronCommand({ ...options, args: more });
      const [code] = (await once(spawn(command.executablePath, command.args, { env: command.env, stdio: 'ignore' }), 'exit')) as [
        number | null,
      ];
      return code;
    },
    close: () => app.close(),
  };
}

/** Until it is so; for hooks, where vitest polls nothing. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + STEP_MS; !(await isSo()); await delay(20)) {
    if (performance.now() > deadline) throw new Error(`not so within ${STEP_MS} ms: ${isSo}`);
  }
}

function showingOf(page: Page): Showing {
  const url = page.url();
  const own = /^(?:app:\/\/ui|https:\/\/ui\.app\.electron-rig\.invalid)\/(\w+)\.html/.exec(url)?.[1];
  return own ?? (url.startsWith(`https://${CCP_HOST}/ccp-v2/`) ? 'ccp' : url);
}

/** On a real Electron what the rig keeps is recorded here. What came before Playwright was there is lost: the next change of the tray brings its menu. */
async function recordDesktop(app: ElectronApplication): Promise<void> {
  await app.evaluate(({ dialog, Menu, Notification, shell }) => {
    const record = {
      trays: [{ menu: null as unknown }],
      notifications: [] as { title: string }[],
      opened: [] as string[],
      dialogs: [] as { message: string }[],
    };
    Reflect.set(globalThis, '__electronRig', record);
    const build = Menu.buildFromTemplate.bind(Menu);
    Menu.buildFromTemplate = (template) => {
      const menu = build(template);
      if (menu.getMenuItemById('quit')) record.trays = [{ menu }];
      return menu;
    };
    const { show } = Notification.prototype;
    Notification.prototype.show = function () {
      record.notifications.push({ title: this.title });
      show.call(this);
    };
    dialog.showMessageBox = async (...args: unknown[]) => {
      record.dialogs.push(args.at(-1) as { message: string });
      return { response: 0, checkboxChecked: false };
    };
    shell.openExternal = async (url) => void record.opened.push(url);
  });
}

function inherited(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
