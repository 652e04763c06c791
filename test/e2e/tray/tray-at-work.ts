// The tray app of an agent, driven from inside the lab where the agent works: a program under the agent's uid. Prints one JSON line
// for each change of what it shows; obeys `{"choose": ACTION}` lines on standard input, and ends with its end.
// Arguments: the daemon's directory, a directory of the agent's, the root that the lab's servers are issued by.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { TrayAction } from '../../../main/tray/tray-model.ts';
import { trust } from './ccp-site.ts';
import { launchDesk } from './desk-app.ts';

export interface Shown {
  icon: string;
  badge: number;
  headline: string;
  windows: string[];
  notices: string[];
}

const POLL_MS = 100;
const [runDir = '', dir = '', rootPath = ''] = process.argv.slice(2);
const browserHome = path.join(dir, 'browser-home');
await trust(browserHome, await readFile(rootPath, 'utf8'));
// Nobody but root may make the namespaces of Chromium's sandbox everywhere.
const switches = ['--no-sandbox', '--use-fake-device-for-media-stream'];
const desk = await launchDesk({ dir, runDir, site: { switches, browserHome } });

let isEnding = false;
createInterface({ input: process.stdin })
  .on('line', (line) => void desk.choose((JSON.parse(line) as { choose: TrayAction }).choose))
  .on('close', () => {
    isEnding = true;
  });
let told = '';
while (!isEnding) {
  const { icon, badge } = await desk.tray();
  const windows = (await desk.showing()).sort();
  const posture = await desk.page('posture');
  const headline = (await posture.locator('h1').textContent()) ?? '';
  const shown: Shown = { icon, badge, headline, windows, notices: await desk.notices() };
  if (JSON.stringify(shown) !== told) console.log(JSON.stringify(shown));
  told = JSON.stringify(shown);
  await delay(POLL_MS);
}
await desk.close();
