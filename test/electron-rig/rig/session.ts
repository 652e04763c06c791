import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { quietly, send } from './chromium/browser.ts';
import type { Protocol as Cdp } from './chromium/cdp.ts';
import { LoudEmitter, loud } from './loud.ts';
import { rigOptions } from './options.ts';
import { type Protocol, RigProtocol } from './protocol.ts';
import { appHooks, contentsById } from './registry.ts';
import { toBrowser } from './schemes.ts';
import { type RequestHooks, requestHooks, type WebRequest } from './web-request.ts';

type Methods = Pick<
  Electron.Session,
  | 'setPermissionRequestHandler'
  | 'setPermissionCheckHandler'
  | 'setDevicePermissionHandler'
  | 'setDisplayMediaRequestHandler'
  | 'setSpellCheckerEnabled'
  | 'clearStorageData'
  | 'clearData'
  | 'clearCache'
  | 'clearAuthCache'
  | 'closeAllConnections'
  | 'flushStorageData'
  | 'getUserAgent'
  | 'isPersistent'
>;
export type Session = Methods &
  Pick<Electron.Session, 'on' | 'once' | 'off' | 'removeListener' | 'removeAllListeners'> & {
    readonly webRequest: WebRequest;
    readonly protocol: Protocol;
  };

/** `storageTypes` of the DevTools protocol for the names of clearStorageData and clearData. */
const storageTypes: Readonly<Record<string, string>> = {
  cookies: 'cookies',
  filesystem: 'file_systems',
  fileSystems: 'file_systems',
  indexdb: 'indexeddb',
  indexedDB: 'indexeddb',
  localstorage: 'local_storage',
  localStorage: 'local_storage',
  serviceworkers: 'service_workers',
  serviceWorkers: 'service_workers',
  cachestorage: 'cache_storage',
  cache: 'cache_storage',
};

export class RigSession extends LoudEmitter implements Methods {
  readonly partition: string;
  readonly hooks: RequestHooks = requestHooks();
  readonly protocol = new RigProtocol();
  /** Origins that pages of the session came from: the browser clears by origin only. */
  readonly origins = new Set<string>();
  permissionRequest: Parameters<Electron.Session['setPermissionRequestHandler']>[0] = null;
  permissionCheck: Parameters<Electron.Session['setPermissionCheckHandler']>[0] = null;
  devicePermission: Parameters<Electron.Session['setDevicePermissionHandler']>[0] = null;
  browserContextId: string | undefined;
  #context: Promise<string | undefined> | undefined;

  constructor(partition: string) {
    super(
      'session',
      ['will-download', 'select-hid-device'],
      // No other device and no extension is ever there to be told of.
      ['select-serial-port', 'select-usb-device', 'serial-port-added', 'hid-device-added', 'usb-device-added'],
    );
    this.partition = partition;
  }

  get webRequest(): WebRequest {
    return this.hooks.webRequest;
  }

  /** One browser context per partition: cookies, storage and permissions are apart, as in Electron. Undefined is the default one. */
  context(): Promise<string | undefined> {
    this.#context ??= this.partition === '' ? Promise.resolve(undefined) : this.#createContext();
    return this.#context;
  }

  async #createContext(): Promise<string> {
    const { browserContextId } = await send('Target.createBrowserContext', { disposeOnDetach: true });
    this.browserContextId = browserContextId;
    if (this.isPersistent() && existsSync(this.#cookiesPath)) {
      const cookies = JSON.parse(readFileSync(this.#cookiesPath, 'utf8')) as Cdp.Network.CookieParam[];
      if (cookies.length > 0) await send('Storage.setCookies', { cookies, browserContextId });
    }
    return browserContextId;
  }

  get #cookiesPath(): string {
    return path.join(rigOptions().userDataDir, 'Partitions', this.partition.replace(/^persist:/, ''), 'rig-cookies.json');
  }

  /** A browser context ends with the browser: of a `persist:` partition, its lasting cookies are kept by the rig. */
  async save(): Promise<void> {
    if (!this.isPersistent() || !this.browserContextId) return;
    const { cookies } = await send('Storage.getCookies', { browserContextId: this.browserContextId });
    const lasting = cookies.filter(({ session }) => !session);
    mkdirSync(path.dirname(this.#cookiesPath), { recursive: true });
    writeFileSync(this.#cookiesPath, JSON.stringify(lasting));
  }

  setPermissionRequestHandler(handler: typeof this.permissionRequest): void {
    this.permissionRequest = handler;
  }

  setPermissionCheckHandler(handler: typeof this.permissionCheck): void {
    this.permissionCheck = handler;
  }

  setDevicePermissionHandler(handler: typeof this.devicePermission): void {
    this.devicePermission = handler;
  }

  setDisplayMediaRequestHandler(handler: Parameters<Electron.Session['setDisplayMediaRequestHandler']>[0]): void {
    if (handler) throw new Error('electron rig: session.setDisplayMediaRequestHandler takes null only');
  }

  setSpellCheckerEnabled(_enabled: boolean): void {}

  async clearStorageData(options?: Electron.ClearStorageDataOptions): Promise<void> {
    await this.#clear(options?.storages, options?.origin ? [options.origin] : undefined);
  }

  async clearData(options?: Electron.ClearDataOptions): Promise<void> {
    if (options?.excludeOrigins) throw new Error('electron rig: clearData with excludeOrigins is not covered');
    await this.#clear(options?.dataTypes, options?.origins);
  }

  async #clear(names: readonly string[] | undefined, origins: readonly string[] | undefined): Promise<void> {
    const browserContextId = await this.context();
    if (!origins && (!names || names.includes('cookies'))) {
      await send('Storage.clearCookies', browserContextId === undefined ? {} : { browserContextId });
    }
    const kinds = names ? names.flatMap((name) => storageTypes[name] ?? []) : ['all'];
    if (kinds.length === 0) return;
    await this.#withPage(async (sessionId) => {
      for (const origin of origins?.map(toBrowser) ?? this.origins) {
        await send('Storage.clearDataForOrigin', { origin, storageTypes: kinds.join(',') }, sessionId);
      }
    });
  }

  /** Storage belongs to a page's storage partition; without a page of this session there is one for the moment. */
  async #withPage(work: (sessionId: string) => Promise<void>): Promise<void> {
    const page = [...contentsById.values()].find((contents) => contents.session === this && !contents.gone);
    if (page) {
      await page.ready;
      await work(page.sessionId);
      return;
    }
    const browserContextId = await this.context();
    const { targetId } = await send('Target.createTarget', { url: 'about:blank', ...(browserContextId && { browserContextId }) });
    try {
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
      await work(sessionId);
    } finally {
      await send('Target.closeTarget', { targetId });
    }
  }

  async clearCache(): Promise<void> {
    await this.#withPage(async (sessionId) => {
      await send('Network.clearBrowserCache', {}, sessionId);
    });
  }

  async clearAuthCache(): Promise<void> {}

  async closeAllConnections(): Promise<void> {
    throw new Error('electron rig: session.closeAllConnections is not covered');
  }

  flushStorageData(): void {
    quietly(this.save());
  }

  getUserAgent(): string {
    const { name, version } = rigOptions();
    return `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) ${name}/${version} Chrome Electron/rig Safari/537.36`;
  }

  isPersistent(): boolean {
    return this.partition === '' || this.partition.startsWith('persist:');
  }
}

const sessions = new Map<string, RigSession>();
const faces = new WeakMap<RigSession, Session>();

export function rigSession(partition: string): RigSession {
  const known = sessions.get(partition);
  if (known) return known;
  const made = new RigSession(partition);
  sessions.set(partition, made);
  faces.set(made, loud('session', made) as unknown as Session);
  // The default one is there before the app: it is told of when the app is ready.
  if (partition !== '') appHooks().emit('session-created', faceOf(made));
  return made;
}

/** What the app gets: always the same object for a session. */
export function faceOf(session: RigSession): Session {
  const face = faces.get(session);
  if (!face) throw new Error('electron rig: a session that nobody asked for');
  return face;
}

/** The session behind what the app handed over. */
export function behindFace(given: unknown): RigSession | undefined {
  return [...sessions.values()].find((one) => one === given || faces.get(one) === given);
}

export async function saveSessions(): Promise<void> {
  await Promise.allSettled([...sessions.values()].map((one) => one.save()));
}

/** The session of a DevTools target, by its browser context; what is in none of ours is in the default one. */
export function sessionOfContext(browserContextId: string | undefined): RigSession {
  return (
    [...sessions.values()].find((one) => one.browserContextId === browserContextId && browserContextId !== undefined) ?? rigSession('')
  );
}

export const session: { fromPartition(partition: string): Session; readonly defaultSession: Session } = loud('session', {
  fromPartition: (partition: string) => faceOf(rigSession(partition)),
  get defaultSession() {
    return faceOf(rigSession(''));
  },
});

/** `protocol` of the module is the default session's. */
export const protocol: Protocol = loud('protocol', rigSession('').protocol);
