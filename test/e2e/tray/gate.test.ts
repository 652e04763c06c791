import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { repoRoot } from '../../../build/repo.ts';
import { textsFor } from '../../../checks/texts/lookup.ts';
import { type DeskApp, launchDesk, START_MS, STEP_MS, stageTray, until, which, whyNoTray } from './desk-app.ts';
import { blocked, clear, onlyObserved, TURN } from './desk-told.ts';
import { type ScriptedDaemon, scriptDaemon } from './scripted-daemon.ts';

vi.setConfig({ testTimeout: START_MS, hookTimeout: START_MS });

const { ui, title } = textsFor('en');
const soon = { timeout: STEP_MS, interval: 50 };
/** Longer than anything that was under way when a window closed. */
const QUIET_MS = 300;
/** Longer than the silence that ends a call. */
const SETTLED_MS = 3_500;
/** A daemon that is away for longer than half a minute is no restart. */
const LOST_MS = 45_000;

describe.skipIf(whyNoTray !== null)(`the CCP window and the gate on ${which}${whyNoTray ? `: ${whyNoTray}` : ''}`, () => {
  let stage: Awaited<ReturnType<typeof stageTray>>;
  let daemon: ScriptedDaemon;
  let desk: DeskApp;
  const shows = () => desk.showing().then((all) => all.sort());
  const beats = async () => Number(await (await desk.page('ccp')).evaluate('window.beats'));
  const startCall = async () => {
    await (await desk.page('ccp')).evaluate('window.startCall()');
    await expect.poll(() => daemon.heard.activity.at(-1), soon).toBe('on-call');
  };
  const stopCall = async () => (await desk.page('ccp')).evaluate('window.stopCall()');
  /** Of the call's packets, none comes any more. */
  const isQuiet = async () => {
    await delay(QUIET_MS);
    const before = stage.site.packets();
    await delay(QUIET_MS);
    return stage.site.packets() === before;
  };

  beforeAll(async () => {
    stage = await stageTray();
    daemon = scriptDaemon(stage.dir);
    await daemon.start();
    desk = await launchDesk({ ...stage, runDir: daemon.runDir, args: ['--hidden'] });
    await until(async () => (await desk.tray()).icon === 'clear');
    await desk.choose('open-ccp');
    await until(async () => (await beats()) > 2);
  });
  afterAll(async () => {
    await desk?.close();
    await daemon?.stop();
    await stage?.close();
  });
  beforeEach(async () => {
    daemon.say(clear());
    await until(async () => (await shows()).join() === 'ccp' && daemon.heard.applied.at(-1) === 'open' && stage.site.sockets() === 1);
  });

  it('lets a call go on under a banner, and closes after it', async () => {
    const before = await desk.bounds('ccp');
    await startCall();
    await expect.poll(stage.site.packets, soon).toBeGreaterThan(0);
    daemon.say(blocked('draining'));
    const banner = await desk.page('banner');
    await expect.poll(() => banner.locator('h1').textContent(), soon).toBe(ui('ccp.banner.draining'));
    await expect.poll(() => daemon.heard.applied.at(-1), soon).toBe('banner');
    expect(await shows()).toEqual(['banner', 'ccp']);
    // A daemon that has not heard of this call closes: the window waits for its end all the same.
    daemon.say(blocked('closed'));
    await expect.poll(async () => (await desk.tray()).icon, soon).toBe('blocked');
    expect(await shows()).toEqual(['banner', 'ccp']);
    const soFar = await beats();
    await expect.poll(beats, soon).toBeGreaterThan(soFar);

    await stopCall();
    const page = await desk.page('blocked');
    expect(await shows()).toEqual(['blocked']);
    await expect.poll(() => page.locator('h1').textContent(), soon).toBe(ui('ccp.blocked.title'));
    await page.getByText(title(TURN)).waitFor();
    await expect.poll(() => daemon.heard.applied.at(-1), soon).toBe('closed');
    expect(daemon.heard.activity.at(-1)).toBe('unknown');
    expect(await desk.bounds('blocked')).toEqual(before);
    expect(await desk.notices()).toEqual([ui('notice.drain'), ui('notice.blocked')]);
  });

  it('cuts a call for a critical rule: its connections and its media end, and nothing comes back before the gate opens', async () => {
    await startCall();
    await expect.poll(() => isQuiet(), soon).toBe(false);
    daemon.say(blocked('closed', 'critical'));
    await expect.poll(shows, soon).toEqual(['blocked']);
    await expect.poll(stage.site.sockets, soon).toBe(0);
    expect(await isQuiet()).toBe(true);
    const asked = stage.site.seen.length;
    // Asked for by hand, it is the blocked page that comes.
    await desk.choose('open-ccp');
    await delay(QUIET_MS);
    expect(await shows()).toEqual(['blocked']);
    expect(stage.site.seen.slice(asked)).toEqual([]);
  });

  it('ends no call with the app before its user said so', async () => {
    await startCall();
    await desk.choose('quit');
    await expect.poll(desk.asked, soon).toEqual([ui('ccp.quit.title')]);
    expect(await shows()).toEqual(['ccp']);
    expect(await isQuiet()).toBe(false);
    await stopCall();
  });

  it('is the same call to it whatever its page does within itself', async () => {
    await startCall();
    await (await desk.page('ccp')).evaluate(
      `history.pushState({}, '', '#on-call'); document.body.append(Object.assign(document.createElement('iframe'), { srcdoc: 'frame' }))`,
    );
    daemon.say(blocked('closed'));
    await desk.page('banner');
    await delay(SETTLED_MS);
    expect(await shows()).toEqual(['banner', 'ccp']);
    await stopCall();
    await desk.page('blocked');
  });

  it('only says what would be where the policy observes', async () => {
    daemon.say(onlyObserved());
    const banner = await desk.page('banner');
    const says = `${ui('ccp.banner.would.closed')} ${ui('ccp.banner.observe')}`;
    await expect.poll(() => banner.locator('h1').textContent(), soon).toBe(says);
    await delay(QUIET_MS);
    expect(await shows()).toEqual(['banner', 'ccp']);
    expect(stage.site.sockets()).toBe(1);
    expect((await desk.tray()).icon).toBe('caution');
    // Out of its own sight the CCP opens the posture window.
    await banner.getByRole('button', { name: ui('ccp.why') }).click();
    await (await desk.page('posture')).close();
  });
});

describe.skipIf(whyNoTray !== null)(`a daemon that is killed, on ${which}${whyNoTray ? `: ${whyNoTray}` : ''}`, () => {
  let stage: Awaited<ReturnType<typeof stageTray>>;
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  it('leaves closed what was closed, and open what was open, until it is lost for good: then the policy’s word holds', async () => {
    stage = await stageTray();
    closers.push(stage.close);
    const dir = path.join(stage.dir, 'daemon');
    await mkdir(dir);
    const daemon = await startDaemon(dir);
    const desk = await launchDesk({ ...stage, runDir: path.join(dir, 'run'), args: ['--hidden'] });
    closers.push(desk.close);
    await expect.poll(async () => (await desk.tray()).icon, soon).toBe('clear');
    await desk.choose('open-ccp');
    await desk.page('ccp');
    daemon.say('blocked');
    await expect.poll(desk.showing, soon).toEqual(['blocked']);
    const asked = stage.site.seen.length;
    await daemon.kill();
    const page = await desk.page('blocked');
    await page.getByText(ui('ccp.blocked.lost.opens')).waitFor();
    await desk.choose('open-ccp');
    await delay(QUIET_MS);
    expect(await desk.showing()).toEqual(['blocked']);
    expect(stage.site.seen.slice(asked)).toEqual([]);
    await expect.poll(desk.showing, { timeout: LOST_MS, interval: 200 }).toEqual(['ccp']);

    const next = await startDaemon(dir);
    await expect.poll(async () => (await desk.tray()).icon, soon).toBe('clear');
    expect(await desk.showing()).toEqual(['ccp']);
    await expect.poll(stage.site.sockets, soon).toBe(1);
    await next.kill();
    await expect
      .poll(async () => (await desk.tray()).menu.some((item) => item !== 'separator' && item.label.startsWith('As of')), soon)
      .toBe(true);
    expect(await desk.showing()).toEqual(['ccp']);
    expect(stage.site.sockets()).toBe(1);
  });

  async function startDaemon(dir: string) {
    const child = spawn(process.execPath, ['--import', 'tsx', path.join(repoRoot, 'test/e2e/tray/daemon-process.ts'), dir], {
      cwd: repoRoot,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    const kill = async () => {
      child.kill('SIGKILL');
      await ended;
    };
    closers.push(kill);
    await Promise.race([once(child.stdout, 'data'), ended.then(() => Promise.reject(new Error('the daemon ended')))]);
    return { say: (what: string) => child.stdin.write(`${what}\n`), kill };
  }
});
