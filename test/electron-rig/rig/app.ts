import { mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { App, AppMethods } from './app-type.ts';
import { closeBrowser } from './chromium/browser.ts';
import { instanceLock } from './instance-lock.ts';
import { cancelable, LoudEmitter, loud } from './loud.ts';
import { rigOptions } from './options.ts';
import { record } from './record.ts';
import { setAppHooks, windows } from './registry.ts';
import { saveSessions, session } from './session.ts';

const emitted = [
  'ready',
  'will-finish-launching',
  'window-all-closed',
  'before-quit',
  'will-quit',
  'quit',
  'second-instance',
  'web-contents-created',
  'browser-window-created',
  'session-created',
  'certificate-error',
  'render-process-gone',
];
/** `open-url` and `activate` are macOS's: tests emit them. */
const silent = [
  'open-url',
  'activate',
  'login',
  'select-client-certificate',
  'child-process-gone',
  'gpu-info-update',
  'accessibility-support-changed',
];

class RigApp extends LoudEmitter implements AppMethods {
  isPackaged = false;
  readonly dock = undefined;
  /** Chromium's switches that the app itself appended before the browser started. */
  readonly appended = new Map<string, string>();
  #ready = false;
  #quitting = false;
  #exiting = false;
  readonly #paths = new Map<string, string>();
  #loginItem: Electron.Settings = {};
  readonly #lock = instanceLock(({ argv, cwd, data }) => this.emit('second-instance', cancelable({}), argv, cwd, data));
  readonly commandLine = {
    appendSwitch: (name: string, value = '') => void this.appended.set(name, value),
    hasSwitch: (name: string) => this.appended.has(name) || rigOptions().switches.some((one) => one.split('=')[0] === `--${name}`),
    getSwitchValue: (name: string) => this.appended.get(name) ?? '',
  };

  constructor() {
    super('app', emitted, silent);
    setAppHooks({
      isReady: () => this.#ready,
      emit: (event, ...args) => void this.emit(event, ...args),
      windowGone: () => this.#windowGone(),
      closeCancelled: () => {
        if (!this.#exiting) this.#quitting = false;
      },
    });
  }

  get name(): string {
    return rigOptions().name;
  }

  get isQuitting(): boolean {
    return this.#quitting;
  }

  markReady(): void {
    this.#ready = true;
    this.emit('session-created', session.defaultSession);
    this.emit('ready', {}, {});
  }

  isReady = () => this.#ready;
  whenReady = () => (this.#ready ? Promise.resolve() : new Promise<void>((resolve) => super.once('ready', () => resolve())));
  getName = () => rigOptions().name;

  setName(name: string): void {
    rigOptions().name = name;
  }

  getVersion = () => rigOptions().version;
  getAppPath = () => rigOptions().appPath;
  getLocale = () => rigOptions().languages[0] ?? 'en-US';
  getSystemLocale = () => this.getLocale();
  getPreferredSystemLanguages = () => [...rigOptions().languages];
  focus = () => {};

  getPath(name: Parameters<Electron.App['getPath']>[0]): string {
    const { userDataDir } = rigOptions();
    const home = os.homedir();
    const usual: Record<string, string> = {
      userData: userDataDir,
      sessionData: userDataDir,
      home,
      temp: os.tmpdir(),
      appData: path.dirname(userDataDir),
      exe: process.execPath,
      logs: path.join(userDataDir, 'logs'),
      downloads: path.join(home, 'Downloads'),
      documents: path.join(home, 'Documents'),
      desktop: path.join(home, 'Desktop'),
    };
    const found = this.#paths.get(name) ?? usual[name];
    if (found === undefined) throw new Error(`Failed to get '${name}' path`);
    if (name !== 'exe') mkdirSync(found, { recursive: true });
    return found;
  }

  setPath(name: string, directory: string): void {
    if (name === 'userData') throw new Error('electron rig: userData comes by --user-data-dir');
    this.#paths.set(name, directory);
  }

  setLoginItemSettings(settings: Electron.Settings): void {
    this.#loginItem = { ...settings };
  }

  getLoginItemSettings(_options?: Electron.LoginItemSettingsOptions): Electron.LoginItemSettings {
    const openAtLogin = this.#loginItem.openAtLogin === true;
    return { openAtLogin, wasOpenedAtLogin: false, status: 'not-found', executableWillLaunchAtLogin: openAtLogin, launchItems: [] };
  }

  setAppUserModelId(id: string): void {
    record.userModelId = id;
  }

  enableSandbox(): void {
    if (this.#ready) throw new Error('app.enableSandbox() can only be called before app is ready');
    record.sandboxEnabled = true;
  }

  disableHardwareAcceleration = () => this.commandLine.appendSwitch('disable-gpu');

  setAsDefaultProtocolClient(scheme: string): boolean {
    if (!record.protocolClients.includes(scheme)) record.protocolClients.push(scheme);
    return true;
  }

  removeAsDefaultProtocolClient(scheme: string): boolean {
    record.protocolClients = record.protocolClients.filter((one) => one !== scheme);
    return true;
  }

  isDefaultProtocolClient = (scheme: string) => record.protocolClients.includes(scheme);

  setBadgeCount(count = 0): boolean {
    record.badge = count;
    return true;
  }

  getBadgeCount = () => record.badge;
  requestSingleInstanceLock = (data?: Record<string, unknown>) => this.#lock.request(data);
  hasSingleInstanceLock = () => this.#lock.isHeld();
  releaseSingleInstanceLock = () => this.#lock.release();

  #windowGone(): void {
    if (windows.size > 0 || this.#exiting) return;
    if (this.#quitting) this.#shutDown();
    else if (this.listenerCount('window-all-closed') > 0) this.emit('window-all-closed');
    else this.quit();
  }

  quit(): void {
    if (this.#quitting) return;
    const before = cancelable({});
    this.emit('before-quit', before);
    if (before.defaultPrevented) return;
    this.#quitting = true;
    if (windows.size === 0) this.#shutDown();
    for (const window of [...windows]) window.close();
  }

  /** No window is left. */
  #shutDown(): void {
    const will = cancelable({});
    this.emit('will-quit', will);
    if (will.defaultPrevented) {
      this.#quitting = false;
      return;
    }
    this.emit('quit', {}, 0);
    this.exit(0);
  }

  exit(code = 0): void {
    this.#quitting = true;
    this.#exiting = true;
    void this.#lock
      .handedOver()
      .then(saveSessions)
      .then(closeBrowser)
      .finally(() => process.exit(code));
  }
}

export const rigApp = new RigApp();
export const app: App = loud('app', rigApp) as unknown as App;
