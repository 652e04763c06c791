import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { toolPath } from '../../../build/debian-tools.ts';
import { repoRoot } from '../../../build/repo.ts';
import type { Enrolment } from '../../../contracts/identity.ts';
import { Identity } from '../../../contracts/identity.ts';
import { Snapshot } from '../../../contracts/local-api.ts';
import type { Finished } from '../../lab/processes.ts';
import { type Lab, withLab } from '../../lab/with-lab.ts';
import { canary } from '../../lab/world.ts';
import { type LogLine, type RunningDaemon, setCanary, startDaemon, startHolder } from '../gate/enforced-desk.ts';
import { shippedCli } from '../shipped-cli.ts';
import type { RealFleet } from './real-fleet.ts';

const COMMAND_MS = 40_000;
export const CANARY = 'network.egress-canary';

/** A desk in the healthy lab with the shipped daemon, which enrols by itself with the ticket that IT left it. */
export interface FleetDesk {
  stateDir: string;
  start(): Promise<RunningDaemon>;
  cli(argv: readonly string[], input?: string): Promise<Finished>;
  snapshot(): Promise<Snapshot>;
  /** Null before the fleet has taken it in. */
  enrolment(): Promise<Enrolment | null>;
  /** The site's firewall lets a host through that nobody needs: the rule fails from now on. */
  breakCanary(): Promise<void>;
  mendCanary(): Promise<void>;
  /** Another network, so that the daemon asks its fleet now: within 1.5 s of it, and every 5 s at most. */
  changeNetwork(): Promise<void>;
  /** A policy of this lab's hosts whose only rule is the canary's, as people write it. */
  policyText(given: PolicyGiven): string;
  leave(): Promise<void>;
}

export interface PolicyGiven {
  id: string;
  mode: 'observe' | 'enforce';
  fail: 'warn' | 'block';
  /** Seconds between two looks. */
  every?: number;
  rules?: readonly object[];
}

export function openFleetDesk(fleet: RealFleet, ticket: string): Promise<FleetDesk> {
  return new Promise((resolve, reject) => {
    const whole = withLab(
      'canary-open',
      (lab) =>
        new Promise<void>((done, fail) => {
          const leave = () => {
            done();
            return whole;
          };
          prepare(lab, fleet, ticket).then((desk) => resolve({ ...desk, leave }), fail);
        }),
    );
    whole.catch(reject);
  });
}

async function prepare(lab: Lab, fleet: RealFleet, ticket: string): Promise<Omit<FleetDesk, 'leave'>> {
  const [configPath, ticketPath, stateDir] = ['daemon.yaml', 'ticket', 'state'].map((name) => path.join(lab.dir, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(ticketPath, ticket, { mode: 0o600 });
  const dirs = ['state', 'run', 'log'].map((name) => `${name}Dir: ${path.join(lab.dir, name)}`);
  const enrolment = `enrolment: { server: '${fleet.deviceUrl}', ticketFile: ${ticketPath} }`;
  await writeFile(configPath, ['schema: 1', ...dirs, enrolment].join('\n'));
  await chmod(lab.dir, 0o711);
  await setCanary(lab, false);
  await relayTo(lab, fleet);
  const holder = await startHolder(lab);
  const inside = (argv: readonly string[]) => ['/usr/bin/nsenter', '-t', String(holder.pid), '-m', `--wd=${repoRoot}`, '--', ...argv];
  const env = { DESKWARDEN_CONFIG: configPath };
  const labPolicy = parse(await readFile(lab.policyPath, 'utf8')) as Record<string, unknown>;
  const cli: FleetDesk['cli'] = (argv, input) =>
    lab.exec(inside([...shippedCli, ...argv]), { env, timeoutMs: COMMAND_MS, ...(input !== undefined && { input }) });
  let networks = 0;
  return {
    stateDir,
    start: () => startDaemon((argv, options = {}) => lab.spawn(inside(argv), { ...options, env: { ...lab.env, ...env } }), shippedCli),
    cli,
    async snapshot() {
      const { stdout, stderr } = await cli(['status', '--json']);
      if (stdout === '') throw new Error(stderr);
      return Snapshot.parse(JSON.parse(stdout));
    },
    async enrolment() {
      return Identity.parse(JSON.parse(await readFile(path.join(stateDir, 'identity.json'), 'utf8'))).enrolled;
    },
    breakCanary: () => setCanary(lab, true),
    mendCanary: () => setCanary(lab, false),
    async changeNetwork() {
      networks += 1;
      const { code, stderr } = await lab.exec([toolPath('ip'), 'address', 'add', `192.0.2.${networks}/32`, 'dev', 'lo']);
      if (code !== 0) throw new Error(stderr);
    },
    policyText({ id, mode, fail, every = 1, rules = [] }) {
      const canaryRule = {
        check: CANARY,
        params: { canaries: [{ host: canary.host, port: 443 }] },
        ...{ everyMs: every * 1_000, settleMs: 0, graceMs: 0, recoverRuns: 1 },
        on: { fail, degraded: 'note', unknown: 'note' },
      };
      return stringify({ ...labPolicy, id, base: 'none', gate: { mode, maxDrainMs: 600_000 }, rules: [canaryRule, ...rules] });
    },
  };
}

/** The fleet's port on the desk's own loopback leads to the fleet. */
async function relayTo(lab: Lab, fleet: RealFleet): Promise<void> {
  const socketPath = path.join(lab.dir, 'fleet.sock');
  await fleet.relay(socketPath);
  const program = path.join(repoRoot, 'build', 'start', 'relay.ts');
  const relay = lab.spawn([process.execPath, '--import', 'tsx', program, String(fleet.devicePort), socketPath], {
    cwd: repoRoot,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    relay.stdout?.once('data', () => resolve());
    relay.once('exit', (code) => reject(new Error(`the relay to the fleet ended with ${code}`)));
  });
}

export const isVerdict = (standing: string) => (line: LogLine) => line.event === 'verdict' && line.standing === standing;
export const isGate = (state: string) => (line: LogLine) => line.event === 'gate' && line.state === state;
export const isOrders = (policy: string) => (line: LogLine) => line.event === 'orders' && line.signed === true && line.policy === policy;
export const isFleet = (what: string) => (line: LogLine) => line.event === 'fleet' && line.what === what;
