import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import audioDevices from '../../../checks/softphone/audio-devices.check.ts';
import { textsFor } from '../../../checks/texts/lookup.ts';
import { fakeRule } from '../../fakes/fake-policy.ts';
import { type DeskApp, launchDesk, START_MS, STEP_MS, stageTray, which, whyNoTray } from './desk-app.ts';
import { caution, ruleToldOf } from './desk-told.ts';
import { type ScriptedDaemon, scriptDaemon } from './scripted-daemon.ts';

vi.setConfig({ testTimeout: START_MS, hookTimeout: START_MS });

const { ui, title } = textsFor('en');
const soon = { timeout: STEP_MS, interval: 50 };
const rule = fakeRule(audioDevices.id, { everyMs: 1_800_000, on: { fail: 'block', degraded: 'warn', unknown: 'note' } });

describe.skipIf(whyNoTray !== null)(`session probes on ${which}${whyNoTray ? `: ${whyNoTray}` : ''}`, () => {
  let stage: Awaited<ReturnType<typeof stageTray>>;
  let daemon: ScriptedDaemon;
  let desk: DeskApp;
  const outcome = () => daemon.told().findings.find(({ check }) => check === audioDevices.id)?.outcome;
  /** Under a rule for these headsets. */
  const under = (headsets: string[]) => {
    const { id, check, everyMs } = rule;
    const policy = daemon.told().policy;
    daemon.say({
      session: { rules: [{ id, check, everyMs, params: { headsets } }], turn: [] },
      policy: { ...policy, rules: [...policy.rules.filter((one) => one.id !== id), ruleToldOf(rule)] },
    });
  };

  beforeAll(async () => {
    stage = await stageTray();
    daemon = scriptDaemon(stage.dir);
    under([]);
    await daemon.start();
    desk = await launchDesk({ ...stage, runDir: daemon.runDir });
  });
  afterAll(async () => {
    await desk?.close();
    await daemon?.stop();
    await stage?.close();
  });

  it('are looked at by a hidden page, and judged by the daemon', async () => {
    await expect.poll(outcome, soon).toEqual({ kind: 'pass' });
    expect(daemon.heard.readings).toHaveLength(1);
    expect(daemon.heard.readings[0]).toMatchObject({ seen: true, evidence: { platform: 'linux', refusal: null, live: true } });
    // The page is closed after its look, and with it whatever it held.
    await expect.poll(desk.showing, soon).toEqual(['posture']);
  });

  it('are looked at again when the window asks, by the rule of the moment', async () => {
    under(['Example Headset']);
    daemon.say({ findings: daemon.told().findings });
    const page = await desk.page('posture');
    await expect
      .poll(
        async () => {
          await page.evaluate(`deskwarden.call('recheck', { check: '${audioDevices.id}' })`);
          return outcome();
        },
        { timeout: STEP_MS, interval: 1_000 },
      )
      .toMatchObject({ kind: 'degraded', reason: 'other-headset' });
    daemon.say({ verdict: caution(audioDevices.id) });
    await page.getByRole('heading', { name: title(audioDevices.id) }).waitFor();
    expect(daemon.heard.rechecks).toEqual([]);
    expect(await desk.notices()).toEqual([]);
    expect(await page.locator('h1').textContent()).toBe(ui('app.face.caution'));
  });
});
