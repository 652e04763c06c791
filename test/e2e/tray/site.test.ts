import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { textsFor } from '../../../checks/texts/lookup.ts';
import { CCP_HOST, LOGIN_HOST, OTHER_HOST } from './ccp-site.ts';
import { type DeskApp, launchDesk, START_MS, STEP_MS, stageTray, until, which, whyNoTray } from './desk-app.ts';
import { blocked, clear } from './desk-told.ts';
import { type ScriptedDaemon, scriptDaemon } from './scripted-daemon.ts';

vi.setConfig({ testTimeout: START_MS, hookTimeout: START_MS });

const { ui } = textsFor('en');
const soon = { timeout: STEP_MS, interval: 50 };
/** By then the click that signed in leads nowhere any more. */
const TOUCH_MS = 1_100;
const ask = (constraints: string) => `navigator.mediaDevices.getUserMedia(${constraints}).then(
  (stream) => { for (const track of stream.getTracks()) track.stop(); return stream.getTracks().map(({ kind }) => kind).join(); },
  ({ name }) => name)`;

describe.skipIf(whyNoTray !== null)(`what the CCP's page may do on ${which}${whyNoTray ? `: ${whyNoTray}` : ''}`, () => {
  let stage: Awaited<ReturnType<typeof stageTray>>;
  let daemon: ScriptedDaemon;
  let desk: DeskApp;
  let ccp: Page;
  const signIn = async () => {
    await ccp.click('#login');
    return desk.page(`https://${LOGIN_HOST}/sign-in`);
  };

  beforeAll(async () => {
    stage = await stageTray();
    daemon = scriptDaemon(stage.dir);
    await daemon.start();
    desk = await launchDesk({ ...stage, runDir: daemon.runDir, args: ['deskwarden://ccp'] });
    ccp = await desk.page('ccp');
    await ccp.waitForFunction('window.beats > 2');
  });
  afterAll(async () => {
    await desk?.close();
    await daemon?.stop();
    await stage?.close();
  });

  it('has the microphone, and no camera', async () => {
    expect(await ccp.evaluate(ask('{ audio: true }'))).toBe('audio');
    expect(await ccp.evaluate(ask('{ video: true }'))).toBe('NotAllowedError');
    expect(await ccp.evaluate(ask('{ audio: true, video: true }'))).toBe('NotAllowedError');
    expect(await ccp.evaluate(ask('{ audio: true }'))).toBe('audio');
  });

  it('sees nothing of the app', async () => {
    expect(await ccp.evaluate('[typeof deskwarden, typeof require, typeof process].join()')).toBe('undefined,undefined,undefined');
  });

  it('signs in by a window of the same session, whose page has no microphone', async () => {
    const login = await signIn();
    expect(await login.evaluate(ask('{ audio: true }'))).toBe('NotAllowedError');
    await login.click('#submit');
    await expect.poll(desk.showing, soon).toEqual(['ccp']);
    await ccp.reload();
    const [last] = stage.site.seen.filter(({ path }) => path === '/ccp-v2/').slice(-1);
    expect(last?.cookie).toBe('session=1');
  });

  it('goes nowhere by itself, and to the browser by a click', async () => {
    await delay(TOUCH_MS);
    await ccp.evaluate(`location.href = 'https://${OTHER_HOST}/stolen'`);
    await ccp.evaluate(`location.href = 'http://${CCP_HOST}/ccp-v2/'`);
    await ccp.evaluate(`location.href = 'file:///etc/passwd'`).catch(() => {});
    expect(await desk.opened()).toEqual([]);
    await ccp.click('#away');
    await expect.poll(desk.opened, soon).toEqual([`https://${OTHER_HOST}/case/2`]);
    await ccp.click('#case');
    await expect.poll(desk.opened, soon).toEqual([`https://${OTHER_HOST}/case/2`, `https://${OTHER_HOST}/case/1`]);
    expect(await ccp.evaluate(`window.open('file:///etc/passwd')`)).toBeNull();
    expect(await desk.showing()).toEqual(['ccp']);
    expect(await ccp.title()).toBe('CCP');
    expect(stage.site.seen.filter(({ host }) => host === OTHER_HOST)).toEqual([]);
    expect(await desk.opened()).toHaveLength(2);
  });

  it('leaves no sign-in behind when the gate closes', async () => {
    await signIn();
    daemon.say(blocked());
    await expect.poll(desk.showing, soon).toEqual(['blocked']);
    daemon.say(clear());
    await expect.poll(desk.showing, soon).toEqual(['ccp']);
    ccp = await desk.page('ccp');
  });
});

describe.skipIf(whyNoTray !== null)(`a CCP that is not there on ${which}${whyNoTray ? `: ${whyNoTray}` : ''}`, () => {
  let stage: Awaited<ReturnType<typeof stageTray>>;
  let daemon: ScriptedDaemon;
  let desk: DeskApp;
  const isShown = (part: string) =>
    desk.app.evaluate(
      ({ BrowserWindow }, wanted) =>
        BrowserWindow.getAllWindows().some((one) => one.isVisible() && one.webContents.getURL().includes(wanted)),
      part,
    );
  /** Ours stands alone, and says so. */
  const inItsPlace = async (...says: string[]) => {
    await expect.poll(async () => (await desk.showing()).length, soon).toBe(2);
    const page = await desk.page('blocked');
    for (const text of says) await page.getByText(text).first().waitFor();
    await expect.poll(() => isShown('blocked.html'), soon).toBe(true);
    expect(await isShown(CCP_HOST)).toBe(false);
  };

  beforeAll(async () => {
    stage = await stageTray();
    stage.site.isDown = true;
    daemon = scriptDaemon(stage.dir);
    await daemon.start();
    desk = await launchDesk({ ...stage, runDir: daemon.runDir, args: ['deskwarden://ccp'] });
  });
  afterAll(async () => {
    await desk?.close();
    await daemon?.stop();
    await stage?.close();
  });

  it('has ours in its place while its host does not answer, and comes back by itself', async () => {
    await inItsPlace(ui('app.face.not-shown'), ui('ccp.load.cannot', { host: CCP_HOST }));
    expect(daemon.heard.applied.at(-1)).toBe('open');
    const saysTray = async () => (await desk.tray()).tooltip;
    await expect.poll(saysTray, soon).toBe(ui('tray.tooltip', { state: ui('app.face.not-shown') }));
    stage.site.isDown = false;
    await expect.poll(desk.showing, soon).toEqual(['ccp']);
    expect(await isShown(CCP_HOST)).toBe(true);
    await expect.poll(saysTray, soon).toBe(ui('tray.tooltip', { state: ui('app.face.clear') }));
  });

  it('names the sign-in that the policy does not, and goes there once it does', async () => {
    const { ccp } = daemon.told();
    stage.site.sendsTo = `https://${LOGIN_HOST}/sign-in`;
    daemon.say({ ...blocked(), ccp: { ...ccp, loginOrigins: [] } });
    await expect.poll(desk.showing, soon).toEqual(['blocked']);
    daemon.say(clear());
    await inItsPlace(ui('ccp.load.it.refused', { host: LOGIN_HOST }));
    expect(stage.site.seen.filter(({ host }) => host === LOGIN_HOST)).toEqual([]);
    daemon.say({ ...clear(), ccp });
    await expect.poll(desk.showing, soon).toEqual([`https://${LOGIN_HOST}/sign-in`]);
    expect(await isShown(LOGIN_HOST)).toBe(true);
  });
});

describe.skipIf(whyNoTray !== null)(`a page of ours on ${which}${whyNoTray ? `: ${whyNoTray}` : ''}`, () => {
  let stage: Awaited<ReturnType<typeof stageTray>>;
  let daemon: ScriptedDaemon;
  let desk: DeskApp;
  beforeAll(async () => {
    stage = await stageTray();
    daemon = scriptDaemon(stage.dir);
    await daemon.start();
    desk = await launchDesk({ ...stage, runDir: daemon.runDir });
    await until(async () => (await desk.tray()).icon === 'clear');
  });
  afterAll(async () => {
    await desk?.close();
    await daemon?.stop();
    await stage?.close();
  });

  it('makes the calls of its own row, and no other', async () => {
    const page = await desk.page('posture');
    const call = (name: string, request = 'undefined') => page.evaluate(`deskwarden.call('${name}', ${request})`);
    expect(await call('view')).toMatchObject({ ok: true, value: { link: 'connected' } });
    expect(await call('probeDone', `{ task: 0, reading: { seen: true, evidence: {} } }`)).toMatchObject({ ok: false });
    expect(await call('acknowledgeWindow', `{ applied: 'open' }`)).toMatchObject({ ok: false });
    expect(await call('setLocale', `{ choice: 'tlh' }`)).toMatchObject({ ok: false, error: { code: 'bad-request' } });
  });

  it('has no microphone, runs nothing inline, goes nowhere and opens nothing', async () => {
    const page = await desk.page('posture');
    expect(await page.evaluate(ask('{ audio: true }'))).toBe('NotAllowedError');
    const inline = `document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }))`;
    await expect(page.evaluate(inline)).rejects.toThrow('TrustedScript');
    await expect(page.evaluate(`document.body.innerHTML = '<img src=x onerror="window.ran = true">'`)).rejects.toThrow('TrustedHTML');
    expect(await page.evaluate(`fetch('https://${CCP_HOST}/').then(() => 'reached', () => 'refused')`)).toBe('refused');
    expect(await page.evaluate(`window.open('https://${CCP_HOST}/ccp-v2/')`)).toBeNull();
    await page.evaluate(`location.href = 'https://${CCP_HOST}/ccp-v2/'`);
    expect(await page.evaluate('document.querySelector("h1") !== null')).toBe(true);
    expect(await desk.showing()).toEqual(['posture']);
    expect(await desk.opened()).toEqual([]);
    expect(stage.site.seen).toEqual([]);
  });
});
