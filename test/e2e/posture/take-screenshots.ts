// Takes every screen and state in light, dark, zh-TW and at 200 % into a directory, and the chosen ones into docs/img/.
// Usage: npx tsx test/e2e/posture/take-screenshots.ts DIRECTORY [--docs]
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BrowserContextOptions } from 'playwright';
import { repoRoot } from '../../../build/repo.ts';
import type { DeskView } from '../../../contracts/ipc.ts';
import { buildPosture } from './build-posture.ts';
import { history, type StateName, states } from './desk-states.ts';
import { launch, openPosture } from './open-posture.ts';

type Look = BrowserContextOptions & { inUse?: DeskView['locale']['inUse'] };

const wide = { width: 860, height: 760 };
const looks: Readonly<Record<string, Look>> = {
  light: { viewport: wide },
  dark: { viewport: wide, colorScheme: 'dark' },
  'zh-TW': { viewport: wide, inUse: 'zh-TW', locale: 'zh-TW' },
  '1280': { viewport: { width: 1280, height: 800 } },
  'forced-colors': { viewport: wide, forcedColors: 'active' },
  'forced-colors-dark': { viewport: wide, forcedColors: 'active', colorScheme: 'dark' },
  moving: { viewport: wide, reducedMotion: 'no-preference' },
  // A window of 860 px at 200 % lays out as one of 430 px.
  '200': { viewport: { width: 430, height: 380 }, deviceScaleFactor: 2 },
};
const otherViews = ['quality', 'today', 'leaves', 'about'] as const;

/** Pages around the CCP, each as large as its window is at first. */
const around: readonly { name: 'blocked' | 'banner'; viewport: { width: number; height: number }; states: readonly StateName[] }[] = [
  {
    name: 'blocked',
    viewport: { width: 420, height: 680 },
    states: ['blocked', 'undetermined-closed', 'drain-expired', 'clear', 'no-daemon', 'unreachable', 'sign-in-refused'],
  },
  { name: 'banner', viewport: { width: 420, height: 80 }, states: ['draining', 'observe', 'closing-without-daemon'] },
];

/** `<look>/<state or view>`, and its name in docs/img/. */
const chosen: Readonly<Record<string, string>> = {
  'light/clear': 'posture-clear.png',
  'light/blocked': 'posture-blocked.png',
  'dark/blocked': 'posture-blocked-dark.png',
  'light/countdown': 'posture-countdown.png',
  'zh-TW/blocked': 'posture-blocked-zh-tw.png',
  '200/countdown': 'posture-countdown-200.png',
  'light/quality': 'posture-quality.png',
  'dark/today': 'posture-today-dark.png',
  'light/blocked-blocked': 'ccp-blocked.png',
  'light/banner-draining': 'ccp-banner.png',
};

const [target = path.join(tmpdir(), 'deskwarden-screens'), flag] = process.argv.slice(2);
const docsDir = path.join(repoRoot, 'docs', 'img');

const uiDir = await mkdtemp(path.join(tmpdir(), 'deskwarden-ui-'));
const files = await buildPosture(uiDir);
const browser = await launch();
const taken: string[] = [];
try {
  for (const [look, { inUse = 'en', ...options }] of Object.entries(looks)) {
    await mkdir(path.join(target, look), { recursive: true });
    const shots = [
      ...(Object.keys(states) as StateName[]).map((state) => ({ name: state, state, at: {} })),
      ...otherViews.map((view) => ({ name: view, state: 'blocked' as const, at: { hash: `#${view}` } })),
      ...around.flatMap(({ name, viewport, states }) =>
        states.map((state) => ({ name: `${name}-${state}`, state, at: { name, viewport } })),
      ),
    ];
    for (const { name, state, at } of shots) {
      const view: DeskView = { ...states[state], locale: { choice: 'auto', inUse } };
      const open = await openPosture(browser, files, view, { history: async () => ({ ok: true, value: history }) }, { ...options, ...at });
      if (name === 'quality') await open.page.locator('canvas').nth(3).waitFor();
      if (name === 'today') await open.page.locator('.strip').waitFor();
      const docsName = chosen[`${look}/${name}`];
      await open.page.screenshot({ path: path.join(target, look, `${name}.png`), fullPage: true });
      if (docsName !== undefined && flag === '--docs') {
        await open.page.screenshot({ path: path.join(docsDir, docsName), fullPage: name === 'quality' });
        taken.push(path.join(docsDir, docsName));
      }
      if (open.trouble.length > 0) console.error(`${look}/${name}: ${open.trouble.join('; ')}`);
      await open.close();
    }
  }
} finally {
  await browser.close();
  await rm(uiDir, { recursive: true, force: true });
}
const sizes = await Promise.all(taken.map(async (file) => (await stat(file)).size));
console.log(`${taken.length} pictures for docs, ${sizes.reduce((sum, size) => sum + size, 0)} bytes`);
