import { once } from 'node:events';
import { chown, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { toolPath } from '../../../build/debian-tools.ts';
import { repoRoot } from '../../../build/repo.ts';
import { textsFor } from '../../../checks/texts/lookup.ts';
import type { Snapshot } from '../../../contracts/local-api.ts';
import { buildRig } from '../../electron-rig/build-rig.ts';
import { whyNoLab } from '../../lab/with-lab.ts';
import { AGENT_UID, asAgent, type EnforcedDesk, type RunningDaemon } from '../gate/enforced-desk.ts';
import { openEnforcedDesk } from '../gate/open-enforced-desk.ts';
import { buildApp } from './build-app.ts';
import { START_MS, which, whyNoTray } from './desk-app.ts';
import type { Shown } from './tray-at-work.ts';

vi.setConfig({ testTimeout: START_MS, hookTimeout: START_MS });

const why = whyNoLab() ?? whyNoTray;
const { ui } = textsFor('en');
const WAIT_MS = 40_000;

describe.skipIf(why !== null)(`the tray app with the real daemon in the lab, on ${which}${why ? `: ${why}` : ''}`, () => {
  let desk: EnforcedDesk;
  let leave: () => Promise<void> = async () => {};
  let daemon: RunningDaemon | undefined;
  let tray: Awaited<ReturnType<typeof startTray>> | undefined;

  beforeAll(async () => {
    await Promise.all([buildApp(), buildRig()]);
    ({ desk, leave } = await openEnforcedDesk());
    const every = { everyMs: 1_000, settleMs: 0, graceMs: 0, recoverRuns: 1 };
    const { revision } = await desk.publish((file) => {
      file.gate = { mode: 'enforce', maxDrainMs: 600_000 };
      file.rules = [
        { check: 'network.turn-udp', ...every, on: { fail: 'block', degraded: 'note', unknown: 'note' } },
        { check: 'softphone.audio-devices', on: { fail: 'warn', degraded: 'note', unknown: 'note' } },
        { check: 'softphone.webrtc-stack', on: { fail: 'warn', degraded: 'note', unknown: 'note' } },
      ];
    });
    daemon = await desk.startDaemon();
    await desk.until('under its policy', ({ policy, gate }) => policy.revision === revision && gate.acting && gate.state === 'open');
    tray = await startTray();
  });
  afterAll(async () => {
    await tray?.stop();
    await daemon?.stop();
    await leave();
  });

  it('shows a healthy desk, whose session it looks at for the daemon', async () => {
    await tray?.until('clear', ({ icon, headline }) => icon === 'clear' && headline === ui('app.face.clear'));
    const { findings } = await desk.until('session looked at', (snapshot) =>
      ['softphone.audio-devices', 'softphone.webrtc-stack'].every((id) =>
        snapshot.findings.some(({ check, outcome }) => check === id && outcome.kind === 'pass'),
      ),
    );
    expect(findings.filter(({ venue }) => venue === 'session')).toHaveLength(2);
    tray?.choose('open-ccp');
    await tray?.until('the CCP', ({ windows }) => windows.join() === 'ccp,posture');
    await desk.until('its window open', windowIs('open'));
  });

  it('follows the firewall that blocks UDP, and that lets it through again, without a restart', async () => {
    await letUdp(false);
    const shut = await tray?.until('blocked', ({ icon, windows }) => icon === 'blocked' && windows.join() === 'blocked,posture');
    expect(shut).toMatchObject({ badge: 1, headline: ui('app.face.blocked'), notices: [ui('notice.blocked')] });
    await desk.until('its window closed', windowIs('closed'));
    const { stdout } = await desk.cli('gate', 'status', '--json');
    expect(stdout).toMatch(new RegExp(`user-${AGENT_UID}`));

    await letUdp(true);
    const back = await tray?.until('clear again', ({ icon, windows }) => icon === 'clear' && windows.join() === 'ccp,posture');
    expect(back).toMatchObject({ headline: ui('app.face.clear') });
    await desk.until('its window open again', windowIs('open'));
    expect((await tray?.until('told', ({ notices }) => notices.length === 2))?.notices.at(-1)).toBe(ui('notice.recovered'));
  });

  /** Acknowledged: the app's word is all there is, so that nothing more than `written` is ever said of it. */
  const windowIs = (wanted: 'open' | 'closed') => (snapshot: Snapshot) =>
    snapshot.enforcers.some(
      (one) =>
        one.enforcer === 'window' && one.wanted === wanted && one.state === 'written' && one.targets[0]?.target === `user-${AGENT_UID}`,
    );

  /** As the lab's scenarios `udp-blocked` and `healthy` have it. */
  async function letUdp(isWanted: boolean): Promise<void> {
    const drop = 'table inet mute { chain input { type filter hook input priority 0; udp dport 3478 drop\n }\n }\n';
    const script = `table inet mute {}\ndelete table inet mute\n${isWanted ? '' : drop}`;
    expect(await desk.lab.execInSite([toolPath('nft'), '-f', '-'], { input: script })).toMatchObject({ code: 0 });
  }

  async function startTray() {
    const home = path.join(desk.lab.dir, 'home');
    await mkdir(home, { recursive: true });
    await chown(home, AGENT_UID, AGENT_UID);
    const program = [process.execPath, '--import', 'tsx', path.join(repoRoot, 'test', 'e2e', 'tray', 'tray-at-work.ts')];
    const argv = asAgent([...program, path.join(desk.lab.dir, 'run'), home, desk.lab.rootPath]);
    const env = { HOME: home, TMPDIR: home, XDG_RUNTIME_DIR: home };
    const child = desk.spawn(argv, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    let shown: Shown | null = null;
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        shown = JSON.parse(line) as Shown;
      });
    }
    const ended = once(child, 'exit');
    return {
      choose: (action: string) => void child.stdin?.write(`${JSON.stringify({ choose: action })}\n`),
      async until(what: string, holds: (shown: Shown) => boolean): Promise<Shown> {
        for (const deadline = performance.now() + WAIT_MS; ; await delay(50)) {
          if (shown && holds(shown)) return shown;
          if (performance.now() > deadline || child.exitCode !== null) throw new Error(`not ${what}: ${JSON.stringify(shown)}`);
        }
      },
      async stop() {
        child.stdin?.end();
        await ended;
      },
    };
  }
});
