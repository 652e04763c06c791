import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { textsFor } from '../../../checks/texts/lookup.ts';
import { realElectronDir } from '../../electron-rig/launch.ts';
import { type DeskApp, launchDesk, START_MS, STEP_MS, stageTray, until, whyNoTray } from './desk-app.ts';
import { blocked, clear } from './desk-told.ts';
import { type ScriptedDaemon, scriptDaemon } from './scripted-daemon.ts';

vi.setConfig({ testTimeout: START_MS, hookTimeout: START_MS });

const { ui } = textsFor('en');
const soon = { timeout: STEP_MS, interval: 50 };
const why = whyNoTray ?? (realElectronDir === undefined ? null : 'a real Electron is headed in every test');

// What a display could change; the rest is shown without one.
describe.skipIf(why !== null)(`the tray app on a display${why ? `: ${why}` : ''}`, () => {
  let stage: Awaited<ReturnType<typeof stageTray>>;
  let daemon: ScriptedDaemon;
  let desk: DeskApp;
  beforeAll(async () => {
    stage = await stageTray();
    daemon = scriptDaemon(stage.dir);
    await daemon.start();
    desk = await launchDesk({ ...stage, runDir: daemon.runDir, headed: true });
    await until(async () => (await desk.tray()).icon === 'clear');
  });
  afterAll(async () => {
    await desk?.close();
    await daemon?.stop();
    await stage?.close();
  });

  it('has a call under a banner, and closes and opens the CCP with the gate', async () => {
    const posture = await desk.page('posture');
    expect(await posture.evaluate('navigator.userAgent')).not.toContain('Headless');
    await desk.choose('open-ccp');
    const ccp = await desk.page('ccp');
    await until(async () => Number(await ccp.evaluate('window.beats')) > 0);
    await ccp.evaluate('window.startCall()');
    await expect.poll(() => daemon.heard.activity.at(-1), soon).toBe('on-call');
    daemon.say(blocked('draining'));
    await expect.poll(async () => (await desk.page('banner')).locator('h1').textContent(), soon).toBe(ui('ccp.banner.draining'));
    await ccp.evaluate('window.stopCall()');
    daemon.say(blocked());
    await expect.poll(async () => (await desk.showing()).sort(), soon).toEqual(['blocked', 'posture']);
    await expect.poll(stage.site.sockets, soon).toBe(0);
    await expect.poll(() => posture.locator('h1').textContent(), soon).toBe(ui('app.face.blocked'));
    daemon.say(clear());
    await expect.poll(async () => (await desk.showing()).sort(), soon).toEqual(['ccp', 'posture']);
    await expect.poll(stage.site.sockets, soon).toBe(1);
  });
});
