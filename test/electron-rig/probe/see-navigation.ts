import { BrowserWindow } from 'electron';
import { until } from './observe.ts';
import { type Probed, settle } from './probed.ts';

export async function seeNavigation({ see, site, js, load, window, take, note, plain, session }: Probed): Promise<void> {
  const { webContents } = window;
  take();
  await see('link', async () => {
    await js('document.querySelector("#link").click()');
    await until(() => webContents.getURL().endsWith('/two') && !webContents.isLoading());
    await settle();
    return take(/navigate/);
  });
  await see('refused navigation', async () => {
    await js('setTimeout(() => location.href = "/deny")');
    await settle();
    return [plain(webContents.getURL()), ...take(/navigate/), webContents.isLoading()];
  });
  await see('redirect', async () => {
    await load('/redirect');
    return take(/navig|redir/);
  });
  await see('frame inside', async () => {
    await load('/frames');
    return [...take(/will-/), await js('[typeof window.api, typeof document.querySelector("iframe").contentWindow.api]')];
  });
  await see('navigation of a frame by itself', async () => {
    const other = site.origin.replace('127.0.0.1', 'localhost');
    await js(
      `new Promise((done) => { const frame = document.querySelector("iframe"); frame.onload = done; frame.src = "${other}/frame-that-leaves" })`,
    );
    await settle();
    return take(/inner2/).map((event) => event.replace(other, 'OTHER'));
  });
  await see('title of an untitled page', async () => {
    await load('/untitled');
    return webContents.getTitle() === `${site.origin.replace('http://', '')}/untitled`;
  });
  await see('title changed by the page', async () => {
    const titles: string[] = [];
    webContents.on('page-title-updated', (_event, title) => titles.push(title));
    await js('document.title = "changed"');
    return [await until(() => titles.includes('changed')), webContents.getTitle()];
  });
  await see('connection refused', async () => {
    const error = await window.loadURL('http://127.0.0.1:9/').then(
      () => null,
      (thrown: { code: string; errno: number }) => thrown,
    );
    return [error?.code, error?.errno];
  });
  await see('bad certificate', async () => {
    const told: string[] = [];
    webContents.once('certificate-error', (_event, url, error) => told.push(plain(url), error));
    const error = await window.loadURL(`${site.tlsOrigin}/`).then(
      () => null,
      (thrown: { code: string }) => thrown,
    );
    return [error?.code, ...told];
  });
  await see('window.open denied', async () => {
    await load('/one');
    webContents.setWindowOpenHandler(({ url, frameName }) => {
      note(`open ${plain(url)} ${frameName}`);
      return { action: 'deny' };
    });
    take();
    const before = BrowserWindow.getAllWindows().length;
    const opened = await js('String(window.open("/popup", "name"))', true);
    await settle();
    return [opened, BrowserWindow.getAllWindows().length - before, ...take(/^open/)];
  });
  await see('link to a new window denied', async () => {
    const before = BrowserWindow.getAllWindows().length;
    await js('Object.assign(document.querySelector("#link"), { target: "_blank" }).click()', true);
    await settle();
    return [BrowserWindow.getAllWindows().length - before, ...take(/^open/)];
  });
  await see('window.open allowed', async () => {
    webContents.setWindowOpenHandler(() => ({ action: 'allow', overrideBrowserWindowOptions: { show: false } }));
    const created = new Promise<{ webContents: { getURL(): string; session: unknown }; destroy(): void }>((resolve) => {
      webContents.once('did-create-window', (popup) => resolve(popup));
    });
    const returned = await js('typeof window.open("/popup")', true);
    const popup = await created;
    await until(() => popup.webContents.getURL().includes('popup'));
    const seen = [returned, plain(popup.webContents.getURL()), popup.webContents.session === session];
    popup.destroy();
    return seen;
  });
  await see('a script closes a window that no script opened', async () => {
    const { other, told } = await opened(site.origin);
    await other.webContents.executeJavaScript('setTimeout(() => window.close())');
    return [await until(() => other.isDestroyed()), ...told];
  });
  await see('beforeunload keeps its window', async () => {
    const { other, told } = await opened(site.origin, stays);
    other.close();
    await settle();
    const kept = !other.isDestroyed();
    other.webContents.on('will-prevent-unload', (event) => event.preventDefault());
    other.close();
    return [kept, await until(() => other.isDestroyed()), ...told];
  });
  await see('beforeunload keeps its page', async () => {
    const { other, told } = await opened(site.origin, stays);
    await other.webContents.executeJavaScript('setTimeout(() => location.href = "/two")', true);
    await settle();
    const kept = other.webContents.getURL().endsWith('/one');
    // Nothing asks the page here.
    other.destroy();
    return [kept, other.isDestroyed(), ...told];
  });
}

const stays = 'void addEventListener("beforeunload", (event) => event.preventDefault())';

/** Another window, and what is told of its end. */
async function opened(origin: string, script = '0') {
  const other = new BrowserWindow({ show: false, webPreferences: { partition: 'probe' } });
  await other.loadURL(`${origin}/one`);
  await other.webContents.executeJavaScript(script);
  const told: string[] = [];
  other.on('close', () => told.push('close'));
  other.webContents.on('will-prevent-unload', () => told.push('will-prevent-unload'));
  other.once('closed', () => told.push('closed'));
  return { other, told };
}
