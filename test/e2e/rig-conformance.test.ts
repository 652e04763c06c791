import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ElectronApplication } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingTools } from '../../build/debian-tools.ts';
import { buildProbe } from '../electron-rig/build-probe.ts';
import { electronCommand, launchApp, realElectronDir } from '../electron-rig/launch.ts';
import { expected } from '../electron-rig/probe/expected.ts';
import { isAlive, processTree } from '../electron-rig/processes.ts';
import { issue, newKeyPem } from '../servers/pki.ts';

const because = missingTools('browser').some(({ tool }) => tool === 'chromium') && !realElectronDir ? 'no Chromium here' : null;
const which = realElectronDir === undefined ? 'the rig' : 'a real Electron';
// The probe takes 10 s on an idle machine with two cores.
const PROBE_MS = 90_000;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'deskwarden-rig-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));

describe.skipIf(because !== null)(`the probe on ${which}${because ? `: ${because}` : ''}`, () => {
  let seen: Record<string, unknown> = {};
  beforeAll(async () => {
    const appDir = path.join(dir, 'probe');
    await buildProbe(appDir);
    const { certPem: cert, keyPem: key } = issue({ commonName: '127.0.0.1', names: ['127.0.0.1'] }, newKeyPem());
    const pemPath = path.join(dir, 'pem.json');
    await writeFile(pemPath, JSON.stringify({ cert, key }));
    const outPath = path.join(dir, 'seen.json');
    const app = await launchless(appDir, { PROBE_OUT: outPath, PROBE_PEM: pemPath });
    const code = await new Promise((resolve) => app.once('exit', resolve));
    expect(code).toBe(0);
    seen = JSON.parse(readFileSync(outPath, 'utf8'));
  }, PROBE_MS);

  it('sees exactly what is expected of it', () => expect(Object.keys(seen)).toEqual(Object.keys(expected)));

  it.each(Object.entries(expected))('%s', (name, { value, or, onRig }) => {
    const wanted = realElectronDir === undefined && onRig ? onRig.value : value;
    if (or !== undefined) expect([wanted, or]).toContainEqual(seen[name]);
    else expect(seen[name]).toEqual(wanted);
  });

  /** Without Playwright, which would attach to every page. */
  async function launchless(appDir: string, env: Record<string, string>) {
    const {
      executablePath,
      args,
      env: whole,
    } = await electronCommand({
      appDir,
      userDataDir: path.join(dir, 'probe-user'),
      env: { ...(process.env as Record<string, string>), ...env },
      chromium: ['--use-fake-device-for-media-stream'],
    });
    return spawn(executablePath, args, { env: whole, stdio: 'ignore' });
  }
});

const idleApp = `const { app } = require('electron');
  globalThis.argvs = [];
  app.on('window-all-closed', () => {});
  app.on('second-instance', (event, argv) => argvs.push(argv.at(-1)));
  if (!app.requestSingleInstanceLock()) app.quit();`;

describe.skipIf(because !== null)(`an app on ${which}${because ? `: ${because}` : ''}`, () => {
  let app: ElectronApplication;
  const appDir = () => path.join(dir, 'idle');
  const userDataDir = () => path.join(dir, 'idle-user');
  const launch = async () => {
    app = await launchApp({ appDir: appDir(), userDataDir: userDataDir(), chromium: ['--lang=ko', '--user-agent=probe'] });
    await app.evaluate(({ app: inside }) => inside.whenReady());
  };
  beforeAll(async () => {
    await mkdir(appDir());
    await writeFile(path.join(appDir(), 'main.cjs'), idleApp);
    await writeFile(path.join(appDir(), 'package.json'), JSON.stringify({ name: 'idle', version: '1.0.0', main: 'main.cjs' }));
    await launch();
  }, PROBE_MS);
  afterAll(() => app.close());

  it('gives the switches of a test to the browser', async () => {
    const agent = await app.evaluate(async ({ BrowserWindow }) => {
      const window = new BrowserWindow({ show: false });
      await window.loadURL('data:text/html,x');
      const said = await window.webContents.executeJavaScript('navigator.userAgent');
      window.destroy();
      return said;
    });
    expect(agent).toBe('probe');
  });

  it('hands a deep link of a second instance over', async () => {
    const { executablePath, args, env } = await electronCommand({ appDir: appDir(), userDataDir: userDataDir(), args: ['acme://open/1'] });
    const second = spawn(executablePath, args, { env, stdio: 'ignore' });
    expect(await new Promise((resolve) => second.once('exit', resolve))).toBe(0);
    await expect.poll(() => app.evaluate(() => Reflect.get(globalThis, 'argvs'))).toEqual(['acme://open/1']);
  });

  it('keeps lasting cookies of a persist: partition over a restart, and nothing of another', async () => {
    const cookies = (set: boolean) =>
      app.evaluate(async ({ BrowserWindow, protocol, session }, give) => {
        const found: string[] = [];
        for (const partition of ['persist:kept', 'forgotten']) {
          const made = session.fromPartition(partition);
          const window = new BrowserWindow({ show: false, webPreferences: { partition } });
          if (!made.protocol.isProtocolHandled('keep')) made.protocol.handle('keep', () => new Response('<title>keep</title>'));
          await window.loadURL('keep://host/');
          if (give) await window.webContents.executeJavaScript('document.cookie = "k=v; max-age=9999"');
          found.push(await window.webContents.executeJavaScript('document.cookie'));
          window.destroy();
        }
        return [found, typeof protocol];
      }, set);
    expect(await cookies(true)).toEqual([['k=v', 'k=v'], 'object']);
    await app.close();
    await launch();
    expect(await cookies(false)).toEqual([['k=v', ''], 'object']);
  });

  it('tells of a click, and that a script made none', async () => {
    await app.evaluate(async ({ BrowserWindow }) => {
      const window = new BrowserWindow({ width: 300, height: 200 });
      const types: string[] = [];
      Reflect.set(globalThis, 'types', types);
      window.webContents.on('input-event', (_event, { type }) => {
        if (type === 'mouseDown' || type === 'mouseUp') types.push(type);
      });
      await window.loadURL('data:text/html,<title>click</title><button>b</button>');
    });
    const clicked = () => app.windows().find((one) => one.url().includes('click'));
    await expect.poll(clicked).toBeDefined();
    const page = clicked();
    await page?.evaluate(`document.querySelector('button').dispatchEvent(new MouseEvent('mousedown', { bubbles: true }))`);
    expect(await app.evaluate(() => Reflect.get(globalThis, 'types'))).toEqual([]);
    await page?.click('button');
    await expect.poll(() => app.evaluate(() => Reflect.get(globalThis, 'types'))).toEqual(['mouseDown', 'mouseUp']);
  });

  it('opens a link elsewhere in the default session, unless the app says another', async () => {
    await app.evaluate(async ({ BrowserWindow, session }) => {
      const kept = session.fromPartition('persist:kept');
      for (const { protocol } of [kept, session.defaultSession]) {
        if (!protocol.isProtocolHandled('keep')) protocol.handle('keep', () => new Response('<title>keep</title>'));
      }
      const window = new BrowserWindow({ webPreferences: { session: kept } });
      const opened: string[] = [];
      Reflect.set(globalThis, 'opened', opened);
      let isTold = false;
      window.webContents.setWindowOpenHandler(({ disposition }) => {
        const told = isTold ? { webPreferences: { session: kept } } : {};
        opened.push(disposition);
        isTold = !isTold;
        return { action: 'allow', overrideBrowserWindowOptions: told };
      });
      window.webContents.on('did-create-window', ({ webContents }) => {
        opened.push(webContents.session === kept ? 'the same session' : 'another');
        webContents.once('did-finish-load', () => opened.push(webContents.getURL()));
      });
      await window.loadURL('data:text/html,<title>links</title><a href="keep://host/linked">link</a>');
    });
    const links = () => app.windows().find((one) => one.url().includes('links'));
    await expect.poll(links).toBeDefined();
    const opened = () => app.evaluate(() => Reflect.get(globalThis, 'opened'));
    await links()?.click('a', { modifiers: ['Control'] });
    await expect.poll(opened).toEqual(['background-tab', 'another', 'keep://host/linked']);
    await links()?.click('a', { button: 'middle' });
    await expect
      .poll(opened)
      .toEqual(['background-tab', 'another', 'keep://host/linked', 'background-tab', 'the same session', 'keep://host/linked']);
    await links()?.evaluate(`document.querySelector('a').onclick = (event) => event.preventDefault()`);
    await links()?.click('a', { modifiers: ['Shift'] });
    expect(await opened()).toHaveLength(6);
  });

  it.skipIf(realElectronDir !== undefined)('refuses what the rig does not cover [a real Electron covers it]', async () => {
    const said = await app.evaluate((electron) => {
      const { app: inside, BrowserWindow } = electron;
      const attempts = [
        () => Reflect.get(electron, 'globalShortcut'),
        () => Reflect.get(inside, 'relaunch'),
        () => new BrowserWindow({ webPreferences: { sandbox: false } }),
        () => new BrowserWindow({ webPreferences: { nodeIntegration: true } }),
        () => inside.on('gpu-process-crashed' as 'ready', () => {}),
      ];
      return attempts.map((attempt) => {
        try {
          return `gave ${attempt()}`;
        } catch (error) {
          return error instanceof Error ? error.message : String(error);
        }
      });
    });
    expect(said).toEqual([
      "electron rig: 'globalShortcut' is not covered by the rig",
      'electron rig: app.relaunch is not covered by the rig',
      'electron rig: webPreferences.sandbox false: only sandboxed, isolated pages are covered',
      'electron rig: webPreferences.nodeIntegration true: only sandboxed, isolated pages are covered',
      "electron rig: event 'gpu-process-crashed' of app is never emitted by the rig",
    ]);
  });

  const noDisplay = missingTools('browser').some(({ tool }) => tool === 'Xvfb') ? 'no Xvfb here' : null;
  it.skipIf(noDisplay !== null)(`runs on a display${noDisplay ? `: ${noDisplay}` : ''}`, async () => {
    const headed = await launchApp({ appDir: appDir(), userDataDir: path.join(dir, 'headed-user'), headed: true });
    try {
      const agent = await headed.evaluate(async ({ app: inside, BrowserWindow }) => {
        await inside.whenReady();
        const window = new BrowserWindow();
        await window.loadURL('data:text/html,x');
        return window.webContents.executeJavaScript('navigator.userAgent');
      });
      expect(agent).not.toContain('Headless');
    } finally {
      await headed.close();
    }
  });

  it('does not quit where a page holds its window', async () => {
    // Playwright would answer the page before Electron does.
    app.context().on('dialog', () => {});
    await app.evaluate(async ({ app: inside, BrowserWindow }) => {
      const told: string[] = [];
      Reflect.set(globalThis, 'told', told);
      for (const event of ['before-quit', 'will-quit'] as const) inside.on(event as 'will-quit', () => told.push(event));
      const window = new BrowserWindow({ show: false });
      await window.loadURL('data:text/html,<title>holds</title>');
      await window.webContents.executeJavaScript(`addEventListener('beforeunload', (event) => event.preventDefault()); 0`);
      window.webContents.on('will-prevent-unload', () => told.push('will-prevent-unload'));
      inside.quit();
    });
    const told = () => app.evaluate(() => Reflect.get(globalThis, 'told'));
    await expect.poll(told).toEqual(['before-quit', 'will-prevent-unload']);
    // The others go, each in its time.
    await expect.poll(() => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
    // It can be asked again, and then it goes.
    await app.evaluate(({ BrowserWindow }) => {
      for (const { webContents } of BrowserWindow.getAllWindows()) {
        webContents.on('will-prevent-unload', (event) => event.preventDefault());
      }
    });
  });

  it('leaves no process behind', async () => {
    const { pid = 0 } = app.process();
    const marks = processTree(pid);
    expect(marks.length).toBeGreaterThan(3);
    await app.close();
    expect(marks.filter(isAlive)).toEqual([]);
  });
});
