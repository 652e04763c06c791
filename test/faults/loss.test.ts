import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'vitest';
import { codeAt, stepAt } from '../../agent/gate/release-code.ts';
import { asAgent, startAgent } from '../e2e/gate/enforced-desk.ts';
import { shippedCli } from '../e2e/shipped-cli.ts';
import { cannot, endedAs, faults } from './fault.ts';
import { eventually, type FaultDesk, OWN_FILE, withFaultDesk } from './fault-desk.ts';

const TEST_MS = 120_000;

async function startWith(desk: FaultDesk, onAgentLoss: 'open' | 'closed') {
  await desk.publish((file) => {
    file.gate = { mode: 'enforce', maxDrainMs: 0, onAgentLoss };
  });
  return desk.startClear();
}

async function agentLoss(desk: FaultDesk): Promise<string> {
  const { code, stdout, stderr } = await desk.cli('gate', 'agent-loss');
  if (code !== 0) throw new Error(`${code}: ${stdout}${stderr}`);
  return stdout;
}

const EXIT_REFUSED = 1;
const EXIT_TRY_AGAIN = 75;

/** As the agent types what IT reads out. */
async function release(desk: FaultDesk, code: string): Promise<number> {
  const line = `printf '%s\\n' ${code} | ${shippedCli.join(' ')} gate release --code`;
  return (await desk.exec(asAgent(['/bin/sh', '-c', line]))).code;
}

describe.skipIf(cannot).concurrent(faults('loss of the agent or of the fleet'), () => {
  it('daemon killed, `onAgentLoss: closed`', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      const daemon = await startWith(desk, 'closed');
      await agentLoss(desk);
      // A daemon that lives is not lost.
      expect(await desk.agentReachesCcp()).toBe(true);
      await daemon.stop('SIGKILL');
      expect(await desk.agentReachesCcp()).toBe(true);
      await agentLoss(desk);
      expect(await desk.agentReachesCcp()).toBe(false);
      expect(await desk.sh(`cat ${OWN_FILE}`)).toContain('acme.my.connect.aws');
      const next = await desk.startClear();
      expect(await desk.agentReachesCcp()).toBe(true);
      await next.stop();
      endedAs(context, 'kill -9 of a clear daemon; `gate agent-loss`', 'closed; open again with the next daemon');
    });
  });

  it('daemon killed during a call, `onAgentLoss: closed`', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      const daemon = await startWith(desk, 'closed');
      const agent = await startAgent(desk, { browser: false });
      agent.media(50);
      await agent.until('media', /flows/, 0);
      await daemon.stop('SIGKILL');
      const killedMs = Date.now();
      await agentLoss(desk);
      expect(await desk.agentReachesCcp()).toBe(true);
      expect(agent.since('media', /stopped/, killedMs)).toBeNull();
      agent.media(0);
      await eventually(
        'closed',
        () => agentLoss(desk).then(desk.agentReachesCcp),
        (isOpen) => !isOpen,
        30_000,
      );
      await agent.stop();
      endedAs(context, 'kill -9 with media flowing; `gate agent-loss`, again after the call', 'the call lives on; closed after it');
    });
  });

  it('daemon killed, `onAgentLoss: open`, and a desk that was never enrolled', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      const neverEnrolled = path.join(desk.lab.dir, 'other.yaml');
      const { dir } = desk.lab;
      await writeFile(neverEnrolled, `schema: 1\nstateDir: ${dir}/other-state\nrunDir: ${dir}/other-run\n`);
      const nobodys = await desk.exec([...shippedCli, 'gate', 'agent-loss'], { DESKWARDEN_CONFIG: neverEnrolled });
      expect([nobodys.code, await desk.agentReachesCcp()]).toEqual([0, true]);

      const daemon = await startWith(desk, 'open');
      await desk.breakCanary();
      await desk.shut();
      await daemon.stop('SIGKILL');
      expect(await desk.agentReachesCcp()).toBe(false);
      await agentLoss(desk);
      expect(await desk.agentReachesCcp()).toBe(true);
      expect(await desk.sh(`ls ${OWN_FILE} 2>&1 || true`)).toMatch(/No such file/);
      // The verdict stands: the next daemon does not wait for a look.
      const next = await desk.startDaemon();
      await desk.shut();
      expect(await desk.agentReachesCcp()).toBe(false);
      await next.stop();
      endedAs(
        context,
        '`gate agent-loss` without an identity; after kill -9 of a daemon that had closed',
        'open, nothing of ours left; closed again by the next daemon',
      );
    });
  });

  it('fleet down, gate closed, released by code', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      const daemon = await desk.startClear();
      const [device] = (await desk.fleetState()).devices;
      const secret = Buffer.from(device?.releaseSecret ?? '', 'base64url');
      await desk.fleet({ do: 'down' });
      await desk.breakCanary();
      await desk.shut();
      const code = codeAt(secret, stepAt(Date.now()));
      expect(await release(desk, code)).toBe(0);
      const { releasedUntil } = await desk.until('released', ({ gate }) => gate.state === 'open' && gate.reason === 'released');
      expect(Date.parse(releasedUntil ?? '') - Date.now()).toBeGreaterThan(59 * 60_000);
      await eventually('open', desk.agentReachesCcp, Boolean);

      const wrong = String((Number(code) + 1) % 10 ** 8).padStart(8, '0');
      // The same one again is wrong too.
      const answers = [];
      for (const tried of [code, wrong, wrong, wrong, wrong, wrong]) answers.push(await release(desk, tried));
      expect(answers).toEqual([...Array.from({ length: 5 }, () => EXIT_REFUSED), EXIT_TRY_AGAIN]);

      await daemon.stop('SIGKILL');
      const next = await desk.startDaemon();
      await desk.until('still released', ({ gate }) => gate.state === 'open' && gate.reason === 'released');
      expect(await release(desk, codeAt(secret, stepAt(Date.now()) + 2))).toBe(EXIT_TRY_AGAIN);

      await desk.fleet({ do: 'up' });
      await desk.hurry();
      const isTold = (reports: Awaited<ReturnType<FaultDesk['reports']>>) => reports.flatMap(({ report }) => report.releases);
      const reports = await eventually('told', desk.reports, (all) => isTold(all).length > 0, 30_000);
      expect(isTold(reports)).toMatchObject([{ by: 'code', uid: 61_000, until: releasedUntil }]);
      await next.stop();
      endedAs(
        context,
        'code of the device typed in; the same and wrong ones; kill -9; fleet up',
        'open for 60 min, also after the kill; sixth try `too-soon`; reported once',
      );
    });
  });
});
