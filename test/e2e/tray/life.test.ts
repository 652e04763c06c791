import { chown } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { textsFor } from '../../../checks/texts/lookup.ts';
import { daemonKeyPath } from '../../../contracts/local-link/address.ts';
import { isAlive, processesNaming, processTree } from '../../electron-rig/processes.ts';
import { type DeskApp, launchDesk, START_MS, STEP_MS, stageTray, which, whyNoTray } from './desk-app.ts';
import { blocked, clear, TURN } from './desk-told.ts';
import { type ScriptedDaemon, scriptDaemon } from './scripted-daemon.ts';

vi.setConfig({ testTimeout: START_MS, hookTimeout: START_MS });

const { ui, title } = textsFor('en');
/** Nobody of this machine's. */
const STRANGER_UID = 61_000;
const soon = { timeout: STEP_MS, interval: 50 };

describe.skipIf(whyNoTray !== null)(`a day of the tray app on ${which}${whyNoTray ? `: ${whyNoTray}` : ''}`, () => {
  let stage: Awaited<ReturnType<typeof stageTray>>;
  let daemon: ScriptedDaemon;
  let desk: DeskApp;
  const icon = async () => (await desk.tray()).icon;
  const headline = async () => (await desk.page('posture')).locator('h1').textContent();

  beforeAll(async () => {
    stage = await stageTray();
    daemon = scriptDaemon(stage.dir);
    desk = await launchDesk({ ...stage, runDir: daemon.runDir });
  });
  afterAll(async () => {
    await desk?.close();
    await daemon?.stop();
    await stage?.close();
  });

  it('says that there is no daemon, in the tray and in its window', async () => {
    await expect.poll(icon, soon).toBe('no-daemon');
    await expect.poll(headline, soon).toBe(ui('app.face.no-daemon'));
    expect((await desk.tray()).tooltip).toBe(ui('tray.tooltip', { state: ui('app.face.no-daemon') }));
  });

  it('finds the daemon that comes later', async () => {
    await daemon.start();
    await expect.poll(icon, soon).toBe('clear');
    await expect.poll(headline, soon).toBe(ui('app.face.clear'));
  });

  it('shows what blocks, has it looked at again, and is clear', async () => {
    daemon.say(blocked());
    await expect.poll(icon, soon).toBe('blocked');
    expect((await desk.tray()).badge).toBe(1);
    await expect.poll(headline, soon).toBe(ui('app.face.blocked'));
    const page = await desk.page('posture');
    await page.getByRole('button', { name: ui('app.recheck.of', { title: title(TURN) }) }).click();
    await expect.poll(() => daemon.heard.rechecks, soon).toEqual([TURN]);
    daemon.say(blocked());
    daemon.say(clear());
    await expect.poll(icon, soon).toBe('clear');
    await expect.poll(headline, soon).toBe(ui('app.face.clear'));
    await page
      .getByText(ui('app.recheck.fixed', { title: title(TURN) }))
      .first()
      .waitFor();
    expect(await desk.notices()).toEqual([ui('notice.blocked'), ui('notice.recovered')]);
  });

  it('changes its language everywhere, by the tray or by the window', async () => {
    await desk.choose('locale-ko');
    const korean = textsFor('ko');
    await expect.poll(headline, soon).toBe(korean.ui('app.face.clear'));
    expect(await (await desk.page('posture')).evaluate('document.documentElement.lang')).toBe('ko');
    expect((await desk.tray()).tooltip).toBe(korean.ui('tray.tooltip', { state: korean.ui('app.face.clear') }));
    await (await desk.page('posture')).locator('select').selectOption('en');
    await expect.poll(async () => (await desk.tray()).tooltip, soon).toBe(ui('tray.tooltip', { state: ui('app.face.clear') }));
    await expect.poll(headline, soon).toBe(ui('app.face.clear'));
  });

  it('lives through a restart of the daemon', async () => {
    await daemon.stop();
    await (await desk.page('posture')).locator('[data-stale="true"]').waitFor();
    daemon.say(blocked());
    await daemon.start();
    await expect.poll(icon, soon).toBe('blocked');
    daemon.say(clear());
    await expect.poll(icon, soon).toBe('clear');
  });

  const notRoot = process.getuid?.() === 0 ? null : 'only root may give a file away';
  it.skipIf(notRoot !== null)(`believes no daemon whose key somebody else put there${notRoot ? `: ${notRoot}` : ''}`, async () => {
    const keyPath = daemonKeyPath(daemon.runDir);
    await daemon.stop();
    await chown(keyPath, STRANGER_UID, STRANGER_UID);
    daemon.say(blocked());
    await daemon.start();
    await expect.poll(icon, soon).toBe('not-the-daemon');
    await expect.poll(headline, soon).toBe(ui('app.face.not-the-daemon'));
    await daemon.stop();
    await chown(keyPath, 0, 0);
    daemon.say(clear());
    await daemon.start();
    await expect.poll(icon, soon).toBe('clear');
  });

  it('takes the link of a second start, which ends', async () => {
    const page = await desk.page('posture');
    await page.close();
    await expect.poll(desk.showing, soon).toEqual([]);
    expect(await desk.startAgain(`deskwarden://check/${TURN}`)).toBe(0);
    // The address has it for a moment only: the page takes it away as it follows it.
    await (await desk.page('posture')).locator(`main [data-check="${TURN}"]:focus`).waitFor();
    // What is not exactly one of ours opens the app, and nothing that it names.
    expect(await desk.startAgain('deskwarden://check/../../etc')).toBe(0);
    expect(await desk.showing()).toEqual(['posture']);
  });

  it('ends with all its processes when it is quit', async () => {
    const { pid = 0 } = desk.app.process();
    const marks = processTree(pid);
    expect(marks.length).toBeGreaterThan(3);
    const ended = new Promise((resolve) => desk.app.process().once('exit', resolve));
    await desk.choose('quit');
    expect(await ended).toBe(0);
    await expect.poll(() => [...marks, ...processesNaming(stage.dir)].filter(isAlive), soon).toEqual([]);
  });
});
