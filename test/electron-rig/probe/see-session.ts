import { BrowserWindow } from 'electron';
import type { Probed } from './probed.ts';

/** What a page may, and what a session keeps. */
export async function seeSession({ see, js, load, take, note, session, site }: Probed): Promise<void> {
  await load('/one');
  await see('cookies apart', async () => {
    await js('document.cookie = "k=v;max-age=99"');
    const other = new BrowserWindow({ show: false, webPreferences: { partition: 'other2' } });
    await other.loadURL(`${site.origin}/one`);
    const cookies = await other.webContents.executeJavaScript('document.cookie');
    other.destroy();
    return [await js('document.cookie'), cookies];
  });
  await see('clearStorageData', async () => {
    await js('localStorage.setItem("k", "v")');
    await session.clearStorageData();
    await load('/one');
    return [await js('document.cookie'), await js('localStorage.getItem("k")')];
  });
  await see('without a handler all is granted', () => js('Notification.requestPermission()'));
  await see('request handler refuses', async () => {
    session.setPermissionRequestHandler((_contents, permission, answer) => {
      note(`permission ${permission}`);
      answer(false);
    });
    take();
    return [await js('Notification.requestPermission()'), ...take(/^permission/)];
  });
  await see('check handler refuses', async () => {
    session.setPermissionRequestHandler(null);
    session.setPermissionCheckHandler((_contents, permission) => permission !== 'media');
    await load('/one');
    const code = 'navigator.mediaDevices.getUserMedia({ audio: true }).then(() => "granted", (error) => error.name)';
    const refused = await js(code);
    session.setPermissionCheckHandler(null);
    return refused;
  });
}
