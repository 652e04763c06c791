import { type ChildProcess, spawn } from 'node:child_process';
import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';
import { repoRoot } from '../../build/repo.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import { withEnforcedDesk } from '../e2e/gate/enforced-desk.ts';
import { scenarios } from '../lab/scenarios.ts';
import { whyNoLab } from '../lab/with-lab.ts';
import { median, type Row, ratio } from './measure.ts';

/** Decimal megabytes. */
const RSS_BUDGET_MB = 80;
/** Of one core, the processes that the daemon starts included. */
const CPU_BUDGET_PERCENT = 0.3;
/** After this the first round is over and its garbage is collected. */
const SETTLE_MS = 60_000;
const SAMPLE_EVERY_MS = 5_000;
/** `getconf CLK_TCK`, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

interface Rest {
  /** Decimal megabytes: at each sample, and the highest since the process began. */
  rss: number[];
  peak: number;
  /** The part of it that no other process shares, at each sample. */
  own: number[];
  /** Percent of one core, from the first sample to the last. */
  cpu: number;
}

/** The unit's own flags, as the package starts the daemon. */
async function shippedFlags(): Promise<string[]> {
  const unit = await readFile(path.join(repoRoot, 'build', 'service', 'systemd', 'deskwarden.service'), 'utf8');
  return [...(/^ExecStart=\S+((?: --\S+)*) /m.exec(unit)?.[1] ?? '').matchAll(/--\S+/g)].map(([flag]) => flag);
}

export async function atRestBench(minutes = 10): Promise<Row[]> {
  const scenario = scenarios.get('canary-open');
  const why = whyNoLab(scenario ? [scenario] : []);
  if (why !== null) return [{ what: 'daemon at rest', measured: `not taken: ${why}`, baseline: '-', budget: '-', met: null }];
  const flags = await shippedFlags();
  const [daemon, bare] = await measureAtRest(minutes, flags, path.join(repoRoot, 'dist', 'agent'));
  const [highest, highestBare] = [Math.max(...daemon.rss), Math.max(...bare.rss)];
  const own = median(daemon.own);
  return [
    {
      what: `RSS at rest over ${minutes} min, highest`,
      measured: `${highest.toFixed(1)} MB (median ${median(daemon.rss).toFixed(1)})`,
      baseline: `bare node ${highestBare.toFixed(1)} MB (${ratio(highest, highestBare)})`,
      budget: `${RSS_BUDGET_MB} MB`,
      met: highest <= RSS_BUDGET_MB,
    },
    {
      what: 'of it shared with no other process',
      measured: `${own.toFixed(1)} MB`,
      baseline: `bare node ${median(bare.own).toFixed(1)} MB (${ratio(own, median(bare.own))})`,
      budget: '-',
      met: null,
    },
    {
      what: 'peak RSS, start included',
      measured: `${daemon.peak.toFixed(1)} MB`,
      baseline: `bare node ${bare.peak.toFixed(1)} MB (${ratio(daemon.peak, bare.peak)})`,
      budget: '-',
      met: null,
    },
    {
      what: `CPU at rest over ${minutes} min, children included`,
      measured: `${daemon.cpu.toFixed(3)} %`,
      baseline: `bare node ${bare.cpu.toFixed(3)} %`,
      budget: `${CPU_BUDGET_PERCENT} %`,
      met: daemon.cpu < CPU_BUDGET_PERCENT,
    },
  ];
}

/** The daemon of `agentDir`, enrolled, enforcing and with everything healthy, and beside it a Node that does nothing. */
async function measureAtRest(minutes: number, flags: readonly string[], agentDir: string): Promise<[daemon: Rest, bare: Rest]> {
  return withEnforcedDesk(async (desk) => {
    // A bundle made meanwhile would take the chunks away that this one has yet to load.
    const copy = path.join(desk.lab.dir, 'agent');
    await cp(agentDir, copy, { recursive: true });
    const { rules } = parse(await readFile(desk.lab.policyPath, 'utf8')) as { rules: unknown };
    const policy = await desk.publish((file) => Object.assign(file, { base: 'built-in', rules }));
    const node = [process.execPath, ...flags];
    const cli = [...node, path.join(copy, 'deskwarden.js')];
    const hasPolicy = (snapshot: Snapshot) => snapshot.policy.signed && snapshot.policy.revision === policy.revision;
    // The first start fetches the policy, and what it cut short is looked at a quarter of an hour later; a day begins like the second.
    const first = await desk.startDaemon(cli);
    await desk.until('under its policy', hasPolicy);
    await first.stop();
    const daemon = await desk.startDaemon(cli);
    const bare = spawn(process.execPath, [...flags, '-e', 'setInterval(() => {}, 1e9)'], { stdio: 'ignore' });
    try {
      const isWell = (snapshot: Snapshot) =>
        hasPolicy(snapshot) && snapshot.gate.state === 'open' && snapshot.verdict?.standing === 'clear';
      await desk.until('well', isWell);
      await delay(SETTLE_MS);
      const rests = await Promise.all([watchProcess(daemon.process, minutes), watchProcess(bare, minutes)]);
      if (!isWell(await desk.snapshot())) throw new Error('the desk did not stay well');
      return rests;
    } finally {
      bare.kill();
      await daemon.stop();
    }
  });
}

async function watchProcess({ pid, exitCode }: ChildProcess, minutes: number): Promise<Rest> {
  if (pid === undefined || exitCode !== null) throw new Error('no process to watch');
  const rest: Rest = { rss: [], own: [], peak: 0, cpu: 0 };
  const before = { ms: performance.now(), cpuSec: await cpuSecondsOf(pid) };
  for (const endMs = before.ms + minutes * 60_000; performance.now() < endMs; await delay(SAMPLE_EVERY_MS)) {
    const [status, rollup] = await Promise.all([readFile(`/proc/${pid}/status`, 'utf8'), readFile(`/proc/${pid}/smaps_rollup`, 'utf8')]);
    rest.rss.push(megabytes(status, 'VmRSS'));
    rest.own.push(megabytes(rollup, 'Private_Clean') + megabytes(rollup, 'Private_Dirty'));
    rest.peak = megabytes(status, 'VmHWM');
  }
  rest.cpu = ((await cpuSecondsOf(pid)) - before.cpuSec) / ((performance.now() - before.ms) / 100_000);
  return rest;
}

function megabytes(text: string, field: string): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
  if (kilobytes === undefined) throw new Error(`no ${field}`);
  return (Number(kilobytes) * 1_024) / 1e6;
}

/** Of the process, of its children that have ended (proc(5): `utime`, `stime`, `cutime`, `cstime`), and of those that run. */
async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name of the program, in parentheses, may hold spaces.
  const ticks = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const below = await Promise.all(
    children
      .split(' ')
      .filter(Boolean)
      .map((child) => cpuSecondsOf(Number(child))),
  );
  return [...ticks.map((count) => count / TICKS_PER_SECOND), ...below].reduce((sum, seconds) => sum + seconds, 0);
}
