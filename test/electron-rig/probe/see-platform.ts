import path from 'node:path';
import {
  app,
  BrowserWindow,
  clipboard,
  Menu,
  Notification,
  nativeImage,
  nativeTheme,
  powerMonitor,
  safeStorage,
  Tray,
  utilityProcess,
} from 'electron';
import { until } from './observe.ts';
import { type Probed, settle } from './probed.ts';

/** Windows as things on a desktop, and the desktop's own services. */
export async function seePlatform({ see, js, window, site }: Probed): Promise<void> {
  await see('nativeTheme', async () => {
    nativeTheme.themeSource = 'dark';
    await settle();
    const dark = await js('matchMedia("(prefers-color-scheme: dark)").matches');
    nativeTheme.themeSource = 'light';
    await settle();
    return [dark, await js('matchMedia("(prefers-color-scheme: dark)").matches'), nativeTheme.shouldUseDarkColors];
  });
  await see('close can be prevented', async () => {
    window.once('close', (event) => event.preventDefault());
    window.close();
    await settle();
    return window.isDestroyed();
  });
  await see('child window', async () => {
    const parent = new BrowserWindow({ show: false });
    const child = new BrowserWindow({ show: false, parent, alwaysOnTop: true });
    const facts = [child.getParentWindow() === parent, parent.getChildWindows().length, child.isAlwaysOnTop(), parent.isAlwaysOnTop()];
    parent.destroy();
    return [...facts, await until(() => child.isDestroyed())];
  });
  await see('bounds', async () => {
    const other = new BrowserWindow({ show: false, x: 10, y: 20, width: 300, height: 200, frame: false });
    const events: string[] = [];
    for (const event of ['resize', 'move'] as const) other.on(event as 'resize', () => events.push(event));
    other.setBounds({ width: 400, height: 250 });
    await until(() => events.includes('resize'));
    const { width, height } = other.getBounds();
    other.destroy();
    return [width, height, events.includes('resize')];
  });
  await see('menu', () => {
    let clicks = 0;
    const click = (by: number) => () => {
      clicks += by;
    };
    const menu = Menu.buildFromTemplate([
      { id: 'a', label: 'A', click: click(1) },
      { id: 'c', label: 'C', type: 'checkbox', checked: false },
      { label: 'S', submenu: [{ id: 'deep', label: 'D', click: click(10) }] },
    ]);
    menu.getMenuItemById('a')?.click();
    menu.getMenuItemById('deep')?.click();
    return [clicks, menu.items.length, menu.getMenuItemById('c')?.type, menu.getMenuItemById('none')];
  });
  await see('utilityProcess', () => {
    const child = utilityProcess.fork(path.join(__dirname, 'child.cjs'));
    const events: unknown[] = [];
    return new Promise((resolve) => {
      child.on('spawn', () => {
        events.push('spawn');
        child.postMessage({ n: 20, d: new Date(1) });
      });
      child.on('message', (message: unknown) => {
        events.push(message);
        child.kill();
      });
      child.on('exit', () => resolve([...events, 'exit']));
    });
  });
  await see('safeStorage', () =>
    safeStorage.isEncryptionAvailable() ? safeStorage.decryptString(safeStorage.encryptString('s3')) : 'no keyring',
  );
  await see('login item', () => {
    app.setLoginItemSettings({ openAtLogin: true });
    return typeof app.getLoginItemSettings().openAtLogin;
  });
  await see('languages', () => {
    const languages = app.getPreferredSystemLanguages();
    return [languages.length > 0, typeof app.getLocale()];
  });
  await see('clipboard', async () => {
    await clipboard.writeText('probe');
    return clipboard.readText();
  });
  await see('powerMonitor', () => {
    const events: string[] = [];
    for (const event of ['suspend', 'resume', 'lock-screen'] as const) {
      powerMonitor.once(event as 'suspend', () => events.push(event));
      powerMonitor.emit(event);
    }
    return events;
  });
  await see('tray', () => {
    const tray = new Tray(nativeImage.createEmpty());
    tray.setToolTip('probe');
    tray.setContextMenu(Menu.buildFromTemplate([{ label: 'A' }]));
    tray.setImage(nativeImage.createEmpty());
    tray.destroy();
    return tray.isDestroyed();
  });
  await see('notification', () => {
    const notification = new Notification({ title: 'T', body: 'B' });
    return [notification.title, notification.body, Notification.isSupported()];
  });
  await see('crash', async () => {
    const other = new BrowserWindow({ show: false, webPreferences: { partition: 'probe' } });
    await other.loadURL(`${site.origin}/one`);
    const told: string[] = [];
    app.once('render-process-gone', (_event, contents, { reason }) => told.push(`${contents === other.webContents} ${reason}`));
    other.webContents.once('render-process-gone', (_event, { reason }) => told.push(reason));
    other.webContents.forcefullyCrashRenderer();
    await until(() => told.length === 2);
    const crashed = other.webContents.isCrashed();
    await other.loadURL(`${site.origin}/two`);
    const again = [other.webContents.isCrashed(), other.webContents.getTitle()];
    other.destroy();
    return [...told.sort(), crashed, ...again];
  });
}
