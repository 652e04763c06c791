import { describe, it } from 'vitest';
import { codeAt, stepAt } from '../../agent/gate/release-code.ts';
import { asAgent } from '../e2e/gate/enforced-desk.ts';
import { shippedCli } from '../e2e/shipped-cli.ts';
import { cannot, endedAs, faults } from './fault.ts';
import { eventually, type FaultDesk, withFaultDesk } from './fault-desk.ts';

const TEST_MS = 120_000;
const EXIT_REFUSED = 1;
const EXIT_TRY_AGAIN = 75;

/** As the agent types what IT reads out. */
async function release(desk: FaultDesk, code: string): Promise<number> {
  const line = `printf '%s\\n' ${code} | ${shippedCli.join(' ')} gate release --code`;
  return (await desk.exec(asAgent(['/bin/sh', '-c', line]))).code;
}

describe.skipIf(cannot)(faults('the offline release'), () => {
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
