import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toolPath } from '../../../build/debian-tools.ts';
import { whyNoLab } from '../../lab/with-lab.ts';
import { type AgentAtWork, asAgent, type EnforcedDesk, type LogLine, type RunningDaemon, startAgent, tsProgram } from './enforced-desk.ts';
import { openEnforcedDesk } from './open-enforced-desk.ts';

const why = whyNoLab();
const TEST_MS = 90_000;
const MAX_DRAIN_MS = 8_000;
/** A look every 2 s, and a busy machine. */
const TOLERANCE_MS = 3_000;
const AT_ONCE_MS = 2_000;
/** The same, and how late the agent's program may be to miss a packet. */
const LAST_PACKET_MS = 4_000;
/** What the agent's program takes for the end of media. */
const SILENCE_MS = 2_500;

const gateIs = (state: string) => (line: LogLine) => line.event === 'gate' && line.state === state;
const isBlocked = ({ event, standing }: LogLine) => event === 'verdict' && standing === 'blocked';

describe.skipIf(why !== null)(`how long a drain lasts on an enrolled desk${why === null ? '' : `: ${why}`}`, { timeout: TEST_MS }, () => {
  let desk: EnforcedDesk;
  let leave: () => Promise<void> = async () => {};
  let agent: AgentAtWork;
  let daemon: RunningDaemon;

  beforeAll(async () => {
    ({ desk, leave } = await openEnforcedDesk());
  }, TEST_MS);
  afterAll(() => leave());
  beforeEach(async () => {
    agent = await startAgent(desk, { browser: false });
  });
  afterEach(async () => {
    await agent.stop();
    await daemon.stop();
    await desk.mendCanary();
    await answering(true);
  });

  /** Starts the daemon under a policy of its own. */
  async function obey(gate: { mode: string; maxDrainMs: number }, rule: object = {}): Promise<void> {
    const { revision } = await desk.publish((file) => {
      file.gate = gate;
      file.rules = (file.rules as object[]).map((one) => ({ ...one, ...rule }));
    });
    daemon = await desk.startDaemon();
    await desk.until(
      'clear and open under it',
      (now) =>
        now.policy.revision === revision &&
        now.verdict?.standing === 'clear' &&
        now.gate.wouldBe === 'open' &&
        now.gate.acting === (gate.mode === 'enforce'),
    );
  }

  /** Whether the TURN hosts answer. */
  async function answering(isWanted: boolean): Promise<void> {
    const drop = 'table inet mute { chain output { type filter hook output priority 0; udp sport 3478 drop\n }\n }\n';
    const script = `table inet mute {}\ndelete table inet mute\n${isWanted ? '' : drop}`;
    expect(await desk.lab.execInSite([toolPath('nft'), '-f', '-'], { input: script })).toMatchObject({ code: 0 });
  }

  /** From the verdict to the gate's close, and what the log tells of the gate on the way. */
  async function block(): Promise<{ blockedMs: number; tookMs: number; told: LogLine[] }> {
    const fromMs = Date.now();
    await desk.breakCanary();
    const blockedMs = await daemon.when(isBlocked, fromMs);
    const closedMs = await daemon.when(gateIs('closed'), blockedMs);
    const since = daemon.log().filter(({ at }) => Date.parse(at) >= fromMs);
    const told = since.slice(since.findIndex(isBlocked), since.findIndex(gateIs('closed')) + 1).filter(({ event }) => event === 'gate');
    return { blockedMs, tookMs: closedMs - blockedMs, told };
  }

  function expectDrained({ tookMs, told }: Awaited<ReturnType<typeof block>>, activity: string): void {
    expect(told[0]).toMatchObject({ state: 'draining', activity });
    expect(told.at(-1)).toMatchObject({ state: 'closed', reason: 'drain-expired' });
    expect(Math.abs(tookMs - MAX_DRAIN_MS)).toBeLessThan(TOLERANCE_MS);
  }

  it('cuts a live call by a critical rule, at once', async () => {
    await obey({ mode: 'enforce', maxDrainMs: 600_000 }, { critical: true });
    agent.media(50);
    await agent.until('media', /flows/, 0);
    // Long enough for a call to be seen, had anybody to look.
    await delay(2_000);
    const { blockedMs, tookMs, told } = await block();
    expect(told).toMatchObject([{ state: 'closed', reason: 'critical' }]);
    const lastMs = (await agent.until('media', /stopped/, blockedMs)) - SILENCE_MS;
    console.log(`critical: closed ${tookMs} ms after the verdict, its last packet answered after ${lastMs - blockedMs} ms`);
    expect(tookMs).toBeLessThan(AT_ONCE_MS);
    expect(lastMs - blockedMs).toBeLessThan(LAST_PACKET_MS);
  });

  it('waits no longer than the policy lets it where nothing shows whether there is a call', async () => {
    await obey({ mode: 'enforce', maxDrainMs: MAX_DRAIN_MS });
    await answering(false);
    agent.media(50);
    // From its first packet on: none is answered.
    await agent.until('media', /stopped/, 0);
    const drained = await block();
    console.log(`unknown: closed ${drained.tookMs} ms after the verdict`);
    expectDrained(drained, 'unknown');
  });

  it('waits no longer for a call that the user’s own programs tell of, who may say so for ever', async () => {
    await obey({ mode: 'enforce', maxDrainMs: MAX_DRAIN_MS });
    const claims = desk.spawn(asAgent([...tsProgram('session-claims.ts'), path.join(desk.lab.dir, 'run')]), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [answer] = (await once(claims.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    expect(JSON.parse(String(answer))).toEqual({ ok: true });
    const drained = await block();
    console.log(`claimed: closed ${drained.tookMs} ms after the verdict`);
    expectDrained(drained, 'on-call');
    const { gate, activity } = await desk.snapshot();
    expect([gate.state, activity]).toEqual(['closed', { activity: 'on-call', byPrivileged: false, sources: ['tray-window'] }]);
    // Nor does it open again.
    await delay(3_000);
    expect((await desk.snapshot()).gate.state).toBe('closed');
    expect(claims.exitCode).toBeNull();
    claims.kill();
  });

  it('closes nothing where the policy observes, and tells what it would do', async () => {
    await obey({ mode: 'observe', maxDrainMs: MAX_DRAIN_MS });
    agent.media(50);
    await agent.until('media', /flows/, 0);
    const observed = { state: 'open', acting: false, notActingBecause: 'observe' };
    const fromMs = Date.now();
    await desk.breakCanary();
    const would = (state: string) => desk.until(`seen that it would be ${state}`, ({ gate }) => gate.wouldBe === state);
    expect(await would('draining')).toMatchObject({ gate: observed, enforcers: [] });
    agent.media(1);
    expect(await would('closed')).toMatchObject({ gate: observed, enforcers: [], verdict: { standing: 'blocked' } });
    const page = await desk.cli('gate', 'status');
    expect(page.stdout.replace(/\s+/g, ' ')).toContain('the policy only observes. If it acted, the Contact Control Panel would be closed.');
    expect(page.code).toBe(0);

    // Longer than media that is cut takes to be missed.
    await delay(SILENCE_MS + 1_000);
    expect(agent.seen().findLast(({ what }) => what === 'media')).toMatchObject({ state: 'flows' });
    expect((await desk.exec([toolPath('nft'), 'list', 'tables'])).stdout).toBe('table inet deskwarden_activity\n');
    expect((await desk.exec(['/usr/bin/find', '/etc/chromium', '/etc/firefox', '-type', 'f'])).stdout).toBe('');
    expect(daemon.log().filter(({ event, at }) => event === 'enforcers' && Date.parse(at) >= fromMs)).toEqual([]);
  });
});
