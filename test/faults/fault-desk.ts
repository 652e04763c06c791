import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readDaemonPublicKey } from '../../agent/daemon/daemon-key.ts';
import { connectLocalApi } from '../../agent/local-api/client.ts';
import type { EnforcerState } from '../../contracts/enforcer.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import { localApiPath } from '../../contracts/local-link/address.ts';
import type { Report } from '../../contracts/report.ts';
import { asAgent, type DeskOptions, type EnforcedDesk, type RunningDaemon, withEnforcedDesk } from '../e2e/gate/enforced-desk.ts';
import { instanceHost, webHosts } from '../lab/world.ts';

export const MANAGED = '/etc/chromium/policies/managed';
export const OWN_FILE = `${MANAGED}/zz-deskwarden.json`;
const EVERY_MS = 100;
const WAIT_MS = 40_000;

/** Browsers that somebody else on the machine has open may not have read a policy: no more is said of it then. */
export const isHeld: ReadonlySet<EnforcerState> = new Set<EnforcerState>(['confirmed', 'written']);

type Change = Parameters<EnforcedDesk['publish']>[0];

export interface FaultDesk extends EnforcedDesk {
  stateDir: string;
  /** A shell script as root on the desk; what it prints. Rejects when it fails. */
  sh(script: string): Promise<string>;
  /** Whether the agent's programs reach the CCP. */
  agentReachesCcp(): Promise<boolean>;
  /** Starts the daemon, and waits until it is clear, acting and open. */
  startClear(cli?: readonly string[]): Promise<RunningDaemon>;
  shut(): Promise<Snapshot>;
  reopened(): Promise<Snapshot>;
  /** The network changed: what waits for the fleet is tried at once. */
  hurry(): Promise<void>;
  reports(): Promise<{ id: string; epoch: string; seq: number; report: Report }[]>;
  fleetState(): Promise<FleetSeen>;
}

export interface FleetSeen {
  devices: { id: string; status: string; releaseSecret: string }[];
  requests: Record<string, number>;
  reports: number;
  duplicates: number;
  sequencesTaken: number;
  misbehaved: number;
  lastHeartbeat: { refused: { kind: string; code: string }[]; standing: string } | null;
}

/** Nothing is waited for before the gate closes, unless a call is seen. */
export const atOnce: NonNullable<Change> = (file) => {
  file.gate = { mode: 'enforce', maxDrainMs: 0 };
};

/** An enrolled desk whose gate closes at once, to be given a fault. */
export async function withFaultDesk(use: (desk: FaultDesk) => Promise<void>, options: DeskOptions = {}): Promise<void> {
  await withEnforcedDesk(async (desk) => {
    await desk.publish(atOnce);
    await use(equip(desk));
  }, options);
}

function equip(desk: EnforcedDesk): FaultDesk {
  let changes = 0;
  const isShut = ({ gate, enforcers }: Snapshot) =>
    gate.state === 'closed' && enforcers.length === 3 && enforcers.every(({ wanted }) => wanted === 'closed');
  const isOpen = ({ verdict, gate, enforcers }: Snapshot) =>
    verdict?.standing === 'clear' &&
    gate.acting &&
    gate.state === 'open' &&
    enforcers.length === 3 &&
    enforcers.every(({ wanted }) => wanted === 'open');
  const equipped: FaultDesk = {
    ...desk,
    stateDir: path.join(desk.lab.dir, 'state'),
    snapshot: () => snapshotOf(path.join(desk.lab.dir, 'run')),
    until: (what, holds, withinMs) =>
      eventually(
        what,
        () => equipped.snapshot().catch(String),
        (seen): seen is Snapshot => typeof seen === 'object' && holds(seen),
        withinMs,
      ) as Promise<Snapshot>,
    async sh(script) {
      const { code, stdout, stderr } = await desk.exec(['/bin/sh', '-ec', script]);
      if (code !== 0) throw new Error(`${script}: ${code}: ${stderr}`);
      return stdout;
    },
    async agentReachesCcp() {
      const connect = `exec 3<>/dev/tcp/${webHosts[instanceHost]}/443`;
      return (await desk.exec(asAgent(['/bin/bash', '-c', connect]))).code === 0;
    },
    async startClear(cli) {
      const daemon = await desk.startDaemon(cli);
      await equipped.reopened();
      return daemon;
    },
    shut: () => equipped.until('closed by all', isShut),
    reopened: () => equipped.until('clear and open', isOpen),
    async hurry() {
      changes += 1;
      await equipped.sh(`/usr/sbin/ip address add 10.99.0.${changes}/32 dev lo`);
    },
    reports: () => desk.fleet({ do: 'reports' }) as ReturnType<FaultDesk['reports']>,
    fleetState: () => desk.fleet({ do: 'state' }) as Promise<FleetSeen>,
  };
  return equipped;
}

/** As `deskwarden status --json` has it, without a process each time. */
async function snapshotOf(runDir: string): Promise<Snapshot> {
  const key = await readDaemonPublicKey(runDir);
  if (!key) throw new Error(`no key of a daemon in ${runDir}`);
  const client = await connectLocalApi({ path: localApiPath(runDir, 0), verify: { key, uid: 0 } });
  try {
    const answer = await client.snapshot();
    if (!answer.ok) throw new Error(answer.error.code);
    return answer.value;
  } finally {
    client.close();
  }
}

/** From here on the desk takes its boot for another one. */
export async function newBoot({ lab, sh }: FaultDesk): Promise<void> {
  await sh(`cat /proc/sys/kernel/random/uuid > ${lab.dir}/boot_id; mount --bind ${lab.dir}/boot_id /proc/sys/kernel/random/boot_id`);
}

/** Asks until it is so; what was seen last is told where it never is. */
export async function eventually<T>(what: string, look: () => Promise<T>, holds: (seen: T) => boolean, withinMs = WAIT_MS): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > deadlineMs) throw new Error(`not ${what} within ${withinMs} ms: ${JSON.stringify(seen).slice(0, 2_000)}`);
    await delay(EVERY_MS);
  }
}

/** The faults that the daemon's log tells. */
export function faultsIn(daemon: RunningDaemon): string[] {
  return daemon.log().flatMap((line) => (line.event === 'fault' ? [`${line.what}: ${line.detail}`] : []));
}

/** The standings that were told from a moment on. */
export function standingsIn(daemon: RunningDaemon, fromMs = 0): unknown[] {
  return daemon.log().flatMap((line) => (line.event === 'verdict' && Date.parse(line.at) >= fromMs ? [line.standing] : []));
}

/** Resident memory, in bytes. */
export async function rssOf({ process: { pid } }: RunningDaemon): Promise<number> {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
  if (!found) throw new Error(`no memory of process ${pid}`);
  return Number(found[1]) * 1_024;
}

/** One after the other within each epoch, none twice, none missing. */
export function countsOn(reports: readonly { epoch: string; seq: number }[]): boolean {
  const next = new Map<string, number>();
  return reports.every(({ epoch, seq }) => {
    const isNext = seq === (next.get(epoch) ?? seq);
    next.set(epoch, seq + 1);
    return isNext;
  });
}
