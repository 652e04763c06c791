import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { catalog } from '../../../checks/catalog.ts';
import type { Finding } from '../../../contracts/finding.ts';
import { CheckDocument } from '../../../contracts/report.ts';
import { whyNoLab } from '../../lab/with-lab.ts';
import { shippedCli } from '../shipped-cli.ts';
import { asAgent, type EnforcedDesk, withEnforcedDesk } from './enforced-desk.ts';

const why = whyNoLab();
const TEST_MS = 150_000;
const CANARY = 'network.egress-canary';
const NEVER = { warn: 1e6, fail: 1e6 };
/** However busy this machine is. That nothing answers is told all the same. */
const unhurried = [
  { check: 'network.media-quality', params: { rttMs: NEVER, jitterMs: NEVER, lossPercent: NEVER, mos: { warn: 0, fail: 0 } } },
  { check: 'network.region-latency', params: { warnAboveMs: 1e6, failAboveMs: 1e6 } },
];
/** A user may ask for a look every 5 s. */
const ASK_AGAIN_MS = 1_000;
const EXIT_TRY_AGAIN = 75;

/** Without the canary's, which is what closes the gate, and those of the user's session, which has no tray app here. */
const compared = catalog.filter(({ venue, id }) => venue === 'daemon' && id !== CANARY);

/** What each check found, without what was measured. */
function outcomesOf(findings: readonly Finding[]): Record<string, unknown> {
  const others = findings.filter(({ check }) => compared.some(({ id }) => id === check));
  return Object.fromEntries(others.map(({ check, outcome }) => [check, withoutTimes(outcome)]).sort());
}

function withoutTimes(outcome: Finding['outcome']): unknown {
  if (!('args' in outcome)) return outcome;
  return { ...outcome, args: Object.fromEntries(Object.entries(outcome.args).filter(([name]) => !name.endsWith('Ms'))) };
}

/** Those that keep their distance look every 15 min. */
const asked = compared.filter(({ minIntervalMs }) => minIntervalMs === 0).map(({ id }) => id);

/** Has the daemon look again, and waits for what it saw since. */
async function observeAll(desk: EnforcedDesk): Promise<Record<string, unknown>> {
  const sinceMs = Date.now();
  while ((await desk.cli('recheck')).code === EXIT_TRY_AGAIN) await delay(ASK_AGAIN_MS);
  const { findings } = await desk.until('all looked at again', (snapshot) =>
    asked.every((id) => snapshot.findings.some(({ check, observedAt }) => check === id && Date.parse(observedAt) > sinceMs)),
  );
  return outcomesOf(findings);
}

async function checkBy(desk: EnforcedDesk, argv: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await desk.exec([...argv, '--json']);
  if (stdout === '') throw new Error(stderr);
  return outcomesOf(CheckDocument.parse(JSON.parse(stdout)).findings);
}

describe.skipIf(why !== null)(`findings while the gate is closed${why === null ? '' : `: ${why}`}`, { timeout: TEST_MS }, () => {
  it('are those of the open gate, but for the rule that closes it', async () => {
    await withEnforcedDesk(async (desk) => {
      // What it looks at while it fetches its first policy is judged by other rules.
      const fetching = await desk.startDaemon();
      await desk.until('told a policy', ({ policy }) => policy.signed);
      await fetching.stop();
      const { policy, policyPath } = await publishAllRules(desk);
      const rootChecks = [...shippedCli, 'check', '--policy', policyPath];
      const agentChecks = asAgent(rootChecks);
      const daemon = await desk.startDaemon();
      await desk.until(
        'clear on all rules',
        ({ verdict, findings, gate }) => verdict?.standing === 'clear' && findings.length === policy.rules.length && gate.acting,
      );
      const open = await observeAll(desk);
      expect(Object.keys(open)).toEqual(compared.map(({ id }) => id));
      expect(await checkBy(desk, rootChecks)).toEqual(open);
      expect(await checkBy(desk, agentChecks)).toEqual(open);

      await desk.breakCanary();
      const isShut = () =>
        desk.until('closed', ({ gate, enforcers }) => gate.state === 'closed' && enforcers.every((one) => one.wanted === 'closed'));
      const { enforcers } = await isShut();
      expect(enforcers.find(({ enforcer }) => enforcer === 'egress')).toMatchObject({ state: 'confirmed' });
      expect(await observeAll(desk)).toEqual(open);
      expect(await checkBy(desk, rootChecks)).toEqual(open);
      await isShut();

      // The agent's own probes would meet the gate.
      const shown = await desk.exec(agentChecks);
      const { stdout: status } = await desk.exec(asAgent([...shippedCli, 'status']));
      expect(shown.code).toBe(1);
      expect(shown.stdout).toMatch(/^ The gate is closed for your programs too/);
      expect(shown.stdout.endsWith(status)).toBe(true);
      expect(shown.stdout).toContain(CANARY);
      expect(shown.stdout).not.toMatch(/refused|firewall/i);
      const printed = await desk.exec([...agentChecks, '--json']);
      expect(printed).toMatchObject({ code: EXIT_TRY_AGAIN, stdout: '' });

      await desk.mendCanary();
      await desk.until('open', ({ gate }) => gate.state === 'open');
      expect(await checkBy(desk, agentChecks)).toEqual(open);
      expect(daemon.log().filter(({ event }) => event === 'fault')).toEqual([]);
      await daemon.stop();
    });
  });
});

/** Every check with what it recommends, and the canary's, which blocks within a second. Gives what `check` may be run by, too. */
async function publishAllRules(desk: EnforcedDesk) {
  const lab = parse(await readFile(desk.lab.policyPath, 'utf8')) as { rules: { check: string }[] };
  const rules = [...lab.rules.filter((rule) => rule.check !== CANARY), ...unhurried];
  const policyPath = path.join(desk.lab.dir, 'all-rules.yaml');
  await writeFile(policyPath, stringify({ ...lab, rules: [...lab.rules, ...unhurried] }, { aliasDuplicateObjects: false }));
  const policy = await desk.publish((file) => {
    file.base = 'built-in';
    file.rules = [...(file.rules as object[]), ...rules];
  });
  return { policy, policyPath };
}
