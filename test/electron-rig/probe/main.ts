/** The same main process on the rig and on a real Electron: what it sees is compared with ../../e2e/rig-conformance.test.ts. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { app, BrowserWindow, protocol, session } from 'electron';
import { observations } from './observe.ts';
import { probed } from './probed.ts';
import { seeIpc } from './see-ipc.ts';
import { seeMedia } from './see-media.ts';
import { seeNavigation } from './see-navigation.ts';
import { seePlatform } from './see-platform.ts';
import { seeRequests } from './see-requests.ts';
import { seeSession } from './see-session.ts';
import { startSite } from './site.ts';

const { see, all } = observations();
const { PROBE_OUT: outPath = '', PROBE_PEM: pemPath = '' } = process.env;
app.on('window-all-closed', () => {});
protocol.registerSchemesAsPrivileged([{ scheme: 'probe', privileges: { standard: true, secure: true, supportFetchAPI: true } }]);
const readyAtFirst = app.isReady();

async function main(): Promise<void> {
  await see('a window before ready', () => new BrowserWindow());
  await app.whenReady();
  await see('ready at first', () => readyAtFirst);
  const site = await startSite(JSON.parse(readFileSync(pemPath, 'utf8')));
  const partition = session.fromPartition('probe');
  const window = new BrowserWindow({
    show: false,
    width: 500,
    height: 400,
    webPreferences: { session: partition, preload: path.join(__dirname, 'preload.cjs'), sandbox: true, contextIsolation: true },
  });
  const shared = probed(see, site, window, partition);
  await see('loadURL', () => shared.load('/one').then(() => 'loaded'));
  await see('load events', () => shared.take());
  await see('getURL', () => shared.plain(window.webContents.getURL()));
  await seeIpc(shared);
  await seeNavigation(shared);
  await seeRequests(shared);
  await seeSession(shared);
  await seeMedia(shared);
  await seePlatform(shared);
  const closed = new Promise<void>((resolve) => window.once('closed', () => resolve()));
  const { webContents } = window;
  window.destroy();
  await closed;
  await see('use after destroy', () => webContents.getURL());
  site.close();
  writeFileSync(
    outPath,
    JSON.stringify(all(), (_key, value: unknown) => (value === undefined ? null : value), 2),
  );
  app.quit();
}

void main();
