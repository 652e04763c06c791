import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toolPath } from '../../build/debian-tools.ts';
import type { EnforcedDesk } from '../e2e/gate/enforced-desk.ts';
import { canary, webHosts } from '../lab/world.ts';
import type { Dice } from './fault.ts';
import type { Attempt, BlockedTime } from './killed-daemon-gate.ts';
import { gateOnDisk } from './killed-daemon-life.ts';

const CRITICAL_HOST = 'us-west-2.console.aws.amazon.com';
const NOTED_HOSTS = [
  'participant.connect.us-west-2.amazonaws.com',
  'lab.telemetry.connect.us-west-2.amazonaws.com',
  'us-west-2.signin.aws.amazon.com',
];
const FLIP_EVERY_MS = 300;

/** A rule that blocks, one that is critical as well, and three whose outcomes change all the time and are only noted. */
export function restlessRules(file: Record<string, unknown>): void {
  const rule = (id: string, host: string, on: object, more: object = {}) => ({
    ...{ id, check: 'network.egress-canary', params: { canaries: [{ host, port: 443 }] } },
    ...{ everyMs: 1_000, settleMs: 0, graceMs: 0, recoverRuns: 1 },
    ...{ on, ...more },
  });
  // A look that fails on a busy machine is no reason to open.
  const blocks = { fail: 'block', degraded: 'block', unknown: 'block' };
  file.rules = [
    rule('holds', canary.host, blocks),
    rule('cuts', CRITICAL_HOST, { fail: 'block', degraded: 'note', unknown: 'note' }, { critical: true }),
    ...NOTED_HOSTS.map((host, n) => rule(`noted-${n}`, host, { fail: 'note', degraded: 'note', unknown: 'note' })),
  ];
}

/** What the rules look at, and when it was so that they block. */
export interface Canaries {
  times: BlockedTime[];
  /** Both rules that block fail from now on. */
  breakBoth(): Promise<void>;
  /** What holds the gate shut is then no critical rule. */
  mendCritical(): Promise<void>;
  mend(): Promise<void>;
  /** The next thing that can happen to them, by a chance out of ten; nothing where the gate has not yet followed the last one. */
  goOn(chance: number): Promise<void>;
  /** Changes what is only noted until then. */
  flip(dice: Dice, until: AbortSignal): Promise<void>;
}

export function openCanaries(desk: EnforcedDesk, attempts: readonly Attempt[]): Canaries {
  const times: BlockedTime[] = [];
  const shut = new Set([CRITICAL_HOST, ...NOTED_HOSTS]);
  const stateDir = path.join(desk.lab.dir, 'state');
  let mendedMs = 0;
  let turn: Promise<void> = Promise.resolve();

  const present = () => times.find((one) => one.mendedMs === Number.POSITIVE_INFINITY);

  /** The site's own firewall answers for them. */
  function apply(): Promise<void> {
    turn = turn.then(async () => {
      const addresses = [...shut].map((host) => webHosts[host]);
      const rule = addresses.length > 0 ? `ip daddr { ${addresses.join(', ')} } tcp dport 443 reject with tcp reset` : '';
      const table = `table inet canaries { chain input { type filter hook input priority -10;\n${rule}\n}\n}`;
      const input = `table inet canaries {}\ndelete table inet canaries\n${table}\n`;
      const { code, stderr } = await desk.lab.execInSite([toolPath('nft'), '-f', '-'], { input });
      if (code !== 0) throw new Error(stderr);
    });
    return turn;
  }

  const seen = (ended: Attempt['ended'], sinceMs: number) => attempts.some((one) => one.fromMs > sinceMs && one.ended === ended);

  const canaries: Canaries = {
    times,
    async breakBoth() {
      shut.delete(CRITICAL_HOST);
      await Promise.all([desk.breakCanary(), apply()]);
      times.push({ brokenMs: Date.now(), criticalUntilMs: Number.POSITIVE_INFINITY, mendedMs: Number.POSITIVE_INFINITY });
    },
    async mendCritical() {
      Object.assign(present() ?? {}, { criticalUntilMs: Date.now() });
      shut.add(CRITICAL_HOST);
      await apply();
    },
    async mend() {
      mendedMs = Date.now();
      const time = present();
      if (time) Object.assign(time, { mendedMs, criticalUntilMs: Math.min(time.criticalUntilMs, mendedMs) });
      shut.add(CRITICAL_HOST);
      await Promise.all([desk.mendCanary(), apply()]);
    },
    async goOn(chance) {
      const time = present();
      if (!time) {
        // What is closed on the disk may come back closed before it opens.
        if (seen('through', mendedMs) && (await gateOnDisk(stateDir)) === 'open') await canaries.breakBoth();
      } else if (!seen('refused', time.brokenMs)) return;
      else if (chance < 3) await canaries.mend();
      else if (chance < 8 && time.criticalUntilMs === Number.POSITIVE_INFINITY) await canaries.mendCritical();
    },
    async flip(dice, until) {
      while (!until.aborted) {
        const host = dice.pick(NOTED_HOSTS);
        if (!shut.delete(host)) shut.add(host);
        await apply();
        await delay(FLIP_EVERY_MS, undefined, { signal: until }).catch(() => {});
      }
    },
  };
  return canaries;
}
