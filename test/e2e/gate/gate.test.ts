import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { describeMissing, missingTools } from '../../../build/debian-tools.ts';
import { whyNoLab } from '../../lab/with-lab.ts';
import { type AgentAtWork, type RunningDaemon, startAgent, withEnforcedDesk } from './enforced-desk.ts';

const missing = missingTools('browser');
const why = whyNoLab() ?? (missing.length > 0 ? describeMissing(missing) : null);
const CYCLES = Number(process.env.DESKWARDEN_GATE_CYCLES ?? 4);
/** By how much a machine that does other things too may be late. */
const BUSY_MS = 5_000;
const TEST_MS = 120_000 + CYCLES * 15_000;

const isStanding = (standing: string) => (line: { event: string; standing?: unknown }) =>
  line.event === 'verdict' && line.standing === standing;

/** Milliseconds from the verdict to each effect. */
const effects: Readonly<Record<string, { shut: RegExp; works: RegExp }>> = {
  navigation: { shut: /ERR|fails/, works: /opens/ },
  xhr: { shut: /fails/, works: /works/ },
  websocket: { shut: /closed/, works: /open/ },
  media: { shut: /stopped/, works: /flows/ },
};

async function timed(
  daemon: RunningDaemon,
  agent: AgentAtWork,
  standing: 'blocked' | 'clear',
  fromMs: number,
): Promise<Record<string, number>> {
  const decidedMs = await daemon.when(isStanding(standing), fromMs);
  const want = standing === 'blocked' ? 'shut' : 'works';
  const took = await Promise.all(
    Object.entries(effects).map(async ([what, states]) => [what, (await agent.until(what, states[want], decidedMs)) - decidedMs] as const),
  );
  return Object.fromEntries(took);
}

function figures(rows: readonly Record<string, number>[]): string {
  return Object.keys(effects)
    .map((what) => {
      const sorted = rows.map((row) => Math.round(row[what] ?? Number.NaN)).sort((a, b) => a - b);
      return `${what} ${sorted[Math.floor(sorted.length / 2)]} (max ${sorted.at(-1)})`;
    })
    .join(', ');
}

describe.skipIf(why !== null)(`the gate on an enrolled desk${why === null ? '' : `: ${why}`}`, () => {
  it(`closes the CCP in real Chromium and opens it again, ${CYCLES} times`, { timeout: TEST_MS }, async () => {
    await withEnforcedDesk(async (desk) => {
      const daemon = await desk.startDaemon();
      await desk.until('clear and acting', ({ verdict, gate }) => verdict?.standing === 'clear' && gate.acting);
      const agent = await startAgent(desk);
      // Packets that show whether media passes, at a rate of no call.
      agent.media(0.5);
      await agent.until('media', /flows/, 0);
      // A browser in its first seconds reads its policies late.
      await delay(8_000);
      const shut: Record<string, number>[] = [];
      const opened: Record<string, number>[] = [];
      for (let n = 0; n < CYCLES; n++) {
        const brokenMs = Date.now();
        await desk.breakCanary();
        shut.push(await timed(daemon, agent, 'blocked', brokenMs));
        const { enforcers } = await desk.until(
          'shut by both',
          ({ enforcers: found }) => found.length === 3 && found.every(({ wanted }) => wanted === 'closed'),
        );
        expect(enforcers.find(({ enforcer }) => enforcer === 'egress')).toMatchObject({ state: 'confirmed' });
        const mendedMs = Date.now();
        await desk.mendCanary();
        opened.push(await timed(daemon, agent, 'clear', mendedMs));
      }
      console.log(`closing, ms after the verdict: ${figures(shut)}\nopening: ${figures(opened)}`);
      await agent.stop();
      expect(await daemon.stop()).toBe(0);
      expect(daemon.log().filter(({ event }) => event === 'fault')).toEqual([]);
    });
  });

  it('drains a live call, and closes within ten seconds of its end', { timeout: TEST_MS }, async () => {
    await withEnforcedDesk(async (desk) => {
      const daemon = await desk.startDaemon();
      await desk.until('clear and acting', ({ verdict, gate }) => verdict?.standing === 'clear' && gate.acting);
      const agent = await startAgent(desk);
      agent.media(50);
      await agent.until('media', /flows/, 0);
      const brokenMs = Date.now();
      await desk.breakCanary();
      const blockedMs = await daemon.when(isStanding('blocked'), brokenMs);
      await delay(15_000);
      const { gate, activity } = await desk.snapshot();
      expect([gate.state, activity.activity, activity.byPrivileged]).toEqual(['draining', 'on-call', true]);
      expect(agent.since('media', /stopped/, blockedMs)).toBeNull();
      expect(agent.since('navigation', /ERR|fails/, blockedMs)).toBeNull();
      agent.media(0);
      const endedMs = Date.now();
      const closedMs = await daemon.when(({ event, state }) => event === 'gate' && state === 'closed', endedMs);
      console.log(`closed ${closedMs - endedMs} ms after the call's last packet`);
      expect(closedMs - endedMs).toBeLessThan(10_000 + BUSY_MS);
      await agent.until('navigation', /ERR|fails/, closedMs);
      await agent.stop();
      await daemon.stop();
    });
  });
});
