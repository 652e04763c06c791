import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { realElectronDir } from '../../electron-rig/launch.ts';
import { CCP_HOST, LOGIN_HOST, OTHER_HOST } from './ccp-site.ts';
import { type DeskApp, launchDesk, START_MS, STEP_MS, stageTray, until, which, whyNoTray } from './desk-app.ts';
import { type ScriptedDaemon, scriptDaemon } from './scripted-daemon.ts';

vi.setConfig({ testTimeout: START_MS, hookTimeout: START_MS });

const soon = { timeout: STEP_MS, interval: 50 };
const SIGN_IN = `https://${LOGIN_HOST}/sign-in`;
/** In which one more address may be handed to the browser. */
const OUTSIDE_MS = 1_000;
const stay = `window.onbeforeunload = (event) => event.preventDefault()`;

describe.skipIf(whyNoTray !== null)(`what a hostile CCP tries with windows on ${which}${whyNoTray ? `: ${whyNoTray}` : ''}`, () => {
  let stage: Awaited<ReturnType<typeof stageTray>>;
  let daemon: ScriptedDaemon;
  let desk: DeskApp;
  let ccp: Page;
  let isEnded = false;

  const windows = () => desk.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length);
  /** As its user closes it. */
  const close = (part: string) =>
    desk.app.evaluate(({ BrowserWindow }, wanted) => {
      BrowserWindow.getAllWindows()
        .find(({ webContents }) => webContents.getURL().includes(wanted))
        ?.close();
    }, part);
  /** For its page as for the app. */
  const loaded = async (showing: string, part: string) => {
    const page = await desk.page(showing);
    await page.waitForLoadState();
    const isKnown = (wanted: string) =>
      desk.app.evaluate(
        ({ BrowserWindow }, known) => BrowserWindow.getAllWindows().some(({ webContents }) => webContents.getURL().includes(known)),
        wanted,
      );
    await until(() => isKnown(part));
    return page;
  };
  const signIn = async (features = '') => {
    await ccp.evaluate(`void window.open('${SIGN_IN}', '_blank', '${features}')`);
    return loaded(SIGN_IN, SIGN_IN);
  };
  /** Once the last window is gone, for the app as for Playwright. */
  const reopen = async () => {
    await expect.poll(windows, soon).toBe(0);
    await expect.poll(desk.showing, soon).toEqual([]);
    await desk.choose('open-ccp');
    ccp = await loaded('ccp', CCP_HOST);
  };
  /** Puts a link to the sign-in into the page, and opens it elsewhere. */
  const openElsewhere = async (page: Page) => {
    await page.evaluate(`document.body.replaceChildren(Object.assign(document.createElement('a'),
      { id: 'elsewhere', href: '${SIGN_IN}', textContent: 'elsewhere' }))`);
    await page.click('#elsewhere', { modifiers: ['Control'] });
  };

  beforeAll(async () => {
    stage = await stageTray();
    daemon = scriptDaemon(stage.dir);
    await daemon.start();
    desk = await launchDesk({ ...stage, runDir: daemon.runDir, args: ['deskwarden://ccp'] });
    // Else Playwright lets every page go that asks whether it may be left.
    desk.app.context().on('dialog', () => {});
    ccp = await loaded('ccp', CCP_HOST);
  });
  afterEach(async () => {
    if (isEnded) return;
    await desk.app.evaluate(({ BrowserWindow }, host) => {
      for (const window of BrowserWindow.getAllWindows()) if (!window.webContents.getURL().includes(host)) window.destroy();
    }, CCP_HOST);
  });
  afterAll(async () => {
    await desk?.close();
    await daemon?.stop();
    await stage?.close();
  });

  it('a pop-up looks like a window, whatever it is asked to look like', async () => {
    await desk.app.evaluate(({ BrowserWindow }) => {
      BrowserWindow.getAllWindows()[0]?.webContents.once('did-create-window', (_window, { options }) => {
        const { webPreferences, ...plain } = options;
        Reflect.set(globalThis, 'popup', { ...plain, sandbox: webPreferences?.sandbox, preload: webPreferences?.preload ?? null });
      });
    });
    await signIn(
      'width=300,frame=no,transparent=yes,alwaysOnTop=yes,kiosk=yes,fullscreen=yes,skipTaskbar=yes,closable=no,movable=no,focusable=no,opacity=0,modal=yes,show=no,sandbox=no',
    );
    expect(await desk.app.evaluate(() => Reflect.get(globalThis, 'popup'))).toMatchObject({
      ...{ frame: true, transparent: false, alwaysOnTop: false, kiosk: false, fullscreen: false, skipTaskbar: false },
      ...{ closable: true, movable: true, focusable: true, opacity: 1, modal: false, show: true, sandbox: true, preload: null },
    });
    const isOnTop = await desk.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((window) => window.isAlwaysOnTop()));
    expect(isOnTop).toEqual([false, false]);
  });

  it('a link opened elsewhere opens in the session of the CCP', async () => {
    await openElsewhere(ccp);
    await expect.poll(desk.showing, soon).toContain(SIGN_IN);
    const isOfCcp = await desk.app.evaluate(({ BrowserWindow, session }) =>
      BrowserWindow.getAllWindows().map(({ webContents }) => webContents.session === session.fromPartition('persist:ccp')),
    );
    expect(isOfCcp).toEqual([true, true]);
    await ccp.reload();
  });

  it('a window in another session does not live', async () => {
    const popup = await signIn();
    await desk.app.evaluate(({ app, BrowserWindow }, url) => {
      const made: string[] = [];
      Reflect.set(globalThis, 'made', made);
      app.once('browser-window-created', (_event, window) => window.once('closed', () => made.push('closed')));
      // As if the app had not said which session.
      const allow = () => ({ action: 'allow' as const });
      for (const { webContents } of BrowserWindow.getAllWindows())
        if (webContents.getURL() === url) webContents.setWindowOpenHandler(allow);
    }, SIGN_IN);
    await openElsewhere(popup);
    await expect.poll(() => desk.app.evaluate(() => Reflect.get(globalThis, 'made')), soon).toEqual(['closed']);
    expect(await windows()).toBe(2);
  });

  it('there are six windows of it at most', async () => {
    await ccp.evaluate(`for (let index = 0; index < 9; index += 1) window.open('${SIGN_IN}', '_blank', 'width=300')`);
    await until(async () => (await windows()) === 6);
    expect(await ccp.evaluate(`window.open('${SIGN_IN}')`)).toBeNull();
    expect(await windows()).toBe(6);
  });

  it('it opens five pages in the browser at once, and then one a second', async () => {
    const open = (count: number) =>
      ccp.evaluate(`for (let index = 0; index < ${count}; index += 1) window.open('https://${OTHER_HOST}/' + index)`);
    const beganMs = performance.now();
    /** A slow machine takes its time for them. */
    const expectOpened = async (least: number) => {
      const opened = await desk.opened();
      expect(opened.length).toBeGreaterThanOrEqual(least);
      expect(opened.length).toBeLessThanOrEqual(5 + (performance.now() - beganMs) / OUTSIDE_MS);
    };
    await open(9);
    await expectOpened(5);
    await delay(OUTSIDE_MS);
    await open(9);
    await expectOpened(6);
  });

  it('what plays in a pop-up is a call, until the pop-up is gone', async () => {
    const popup = await signIn();
    await popup.evaluate(`(async () => {
      window.context = new AudioContext();
      const sound = context.createOscillator();
      sound.connect(context.destination);
      sound.start();
      await context.resume();
    })()`);
    await expect.poll(() => daemon.heard.activity.at(-1), soon).toBe('on-call');
    await close(SIGN_IN);
    await expect.poll(() => daemon.heard.activity.at(-1), soon).toBe('unknown');
    expect(await desk.showing()).toEqual(['ccp']);
  });

  it('no page keeps its window, by asking whether it may be left', async () => {
    const popup = await signIn();
    await popup.evaluate(stay);
    await close(SIGN_IN);
    await expect.poll(windows, soon).toBe(1);
    await ccp.evaluate(stay);
    await close(CCP_HOST);
    await reopen();
  });

  it('a window that its page closes can be opened again', async () => {
    await ccp.evaluate('setTimeout(() => window.close())');
    await reopen();
    expect(await windows()).toBe(1);
  });

  it('only servers of the policy are shown the user’s certificate, and only where it is the only one', async () => {
    const shown = (server: string, ...names: string[]) =>
      desk.app.evaluate(
        ({ app }, [url, certificates]) => {
          let isPrevented = false;
          const preventDefault = () => {
            isPrevented = true;
          };
          let chosen: unknown = 'not answered';
          const choose = (certificate?: { subjectName: string }) => {
            chosen = certificate?.subjectName ?? null;
          };
          app.emit('select-client-certificate', { preventDefault }, null, url, certificates, choose);
          return isPrevented ? chosen : 'the first one';
        },
        [server, names.map((subjectName) => ({ subjectName }))] as const,
      );
    expect(await shown(`${CCP_HOST}:443`, 'one')).toBe('one');
    expect(await shown(`${LOGIN_HOST}:443`, 'one')).toBe('one');
    expect(await shown(`${LOGIN_HOST}:443`, 'one', 'two')).toBeNull();
    expect(await shown(`${OTHER_HOST}:443`, 'one')).toBeNull();
    expect(await shown(`${CCP_HOST}:8443`, 'one')).toBeNull();
  });

  it.skipIf(realElectronDir !== undefined)('gives a headset to the CCP alone [a real Electron has none]', async () => {
    await desk.app.evaluate(() => {
      const { hidDevices } = Reflect.get(globalThis, '__electronRig') as { hidDevices: object[] };
      const device = (name: string, usagePage: number) =>
        hidDevices.push({ deviceId: name, name, vendorId: 1, productId: 1, collections: [{ usagePage, usage: 5 }] });
      device('keyboard', 0x01);
      device('headset', 0x0b);
    });
    const names = (page: Page, call: string) =>
      page.evaluate(`navigator.hid.${call}.then((devices) => devices.map(({ productName }) => productName), ({ name }) => name)`);
    expect(await names(ccp, 'requestDevice({ filters: [] })')).toEqual(['headset']);
    expect(await names(ccp, 'requestDevice({ filters: [{ usagePage: 1 }] })')).toEqual([]);
    expect(await names(ccp, 'getDevices()')).toEqual(['headset']);
    const popup = await signIn();
    expect(await names(popup, 'requestDevice({ filters: [] })')).toEqual([]);
    expect(await names(popup, 'getDevices()')).toEqual([]);
  });

  it('no page keeps the app from ending', async () => {
    const popup = await signIn();
    for (const page of [ccp, popup]) await page.evaluate(stay);
    const ended = new Promise((resolve) => desk.app.process().once('exit', resolve));
    await desk.choose('quit');
    expect(await ended).toBe(0);
    isEnded = true;
  });
});
