import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeMissing, missingTools, toolPath } from '../../build/debian-tools.ts';
import { startGuard, writePrograms } from './entry.ts';
import { deskRuleset, packetsCounted, type Ruleset, siteRuleset } from './firewall.ts';
import { deskOf, siteOf } from './lab-name.ts';
import { claimLab, createNamespaces, labDir, removeLab, sweepStaleLabs } from './namespaces.ts';
import { loadPki } from './pki.ts';
import { labPolicy, policyText } from './policy.ts';
import { type ExecOptions, type Finished, run, runTool } from './processes.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { startServers } from './servers.ts';
import { clockEnv, siteServers, toolsOf } from './site-servers.ts';

export interface Lab {
  readonly scenario: string;
  /** Gone when the lab is. */
  readonly dir: string;
  readonly policyPath: string;
  /** The root that issued the servers' certificates, as PEM. */
  readonly rootPath: string;
  /** What the command finds in its environment: the machine's own without proxies, LAB_*, and what the scenario adds. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs a command on the desk. `env` adds to the lab's. */
  exec(argv: readonly string[], options?: ExecOptions): Promise<Finished>;
  /** Starts a command on the desk and leaves it running; it ends with the lab at the latest. */
  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Runs a command where the servers are, to change the site while something runs on the desk. */
  execInSite(argv: readonly string[], options?: ExecOptions): Promise<Finished>;
  /** The site's firewall as `nft -j` lists it. */
  nft(): Promise<Ruleset>;
  /** Packets counted by a named counter of the site: `blocked` or `loss`. */
  counter(name: string): Promise<number>;
}

export interface LabOptions {
  /** Ends the waiting while the lab starts; the lab is then removed. */
  signal?: AbortSignal;
}

export class NoSuchScenario extends Error {}

/** This machine cannot run the lab; the message says what it lacks. */
export class LabUnavailable extends Error {}

/** Raises the scenario's lab, hands it over, and removes it whatever happens. */
export async function withLab<T>(name: string, use: (lab: Lab) => Promise<T>, options: LabOptions = {}): Promise<T> {
  const scenario = scenarios.get(name);
  if (!scenario) throw new NoSuchScenario(`no scenario "${name}"`);
  const lacks = whyNoLab([scenario]);
  if (lacks !== null) throw new LabUnavailable(lacks);
  await sweepStaleLabs();
  const id = await claimLab();
  try {
    return await use(await raise(id, scenario, options));
  } finally {
    await removeLab(id);
  }
}

/** Null where the machine can run these scenarios (all of them by default), otherwise what it lacks and how to get it. */
export function whyNoLab(wanted: Iterable<Scenario> = scenarios.values()): string | null {
  if (process.platform !== 'linux') return `the lab needs Linux network namespaces; this is ${process.platform}`;
  const lacks = process.getuid?.() === 0 ? [] : ['the lab needs root: run it with sudo, or in a container as root'];
  const needed = new Set(['ip', 'sysctl', 'nft', 'dnsmasq', ...[...wanted].flatMap(toolsOf)]);
  const missing = missingTools('lab').filter(({ tool }) => needed.has(tool));
  if (missing.length > 0) lacks.push(describeMissing(missing));
  return lacks.length > 0 ? lacks.join('\n') : null;
}

async function raise(id: string, scenario: Scenario, { signal }: LabOptions): Promise<Lab> {
  const dir = labDir(id);
  const [pki, { guardPath, webServerPath }] = await Promise.all([loadPki(), writePrograms(dir)]);
  startGuard(guardPath);
  await createNamespaces(id);
  const lab = handleOf(id, scenario);
  const policy = scenario.policy?.(labPolicy(pki.root)) ?? labPolicy(pki.root);
  await Promise.all([
    writeFile(lab.policyPath, policyText(policy)),
    writeFile(lab.rootPath, pki.root),
    writeFile(inspectorPathIn(dir), pki.inspector.certificate),
  ]);
  const deskRules = deskRuleset(scenario);
  await Promise.all([
    runTool('ip', ['netns', 'exec', siteOf(id), toolPath('nft'), '-f', '-'], siteRuleset(scenario)),
    deskRules && runTool('ip', ['netns', 'exec', deskOf(id), toolPath('nft'), '-f', '-'], deskRules),
    scenario.deskNetwork && runTool('ip', ['-n', deskOf(id), '-batch', '-'], `${scenario.deskNetwork.join('\n')}\n`),
    startServers(id, dir, siteServers({ scenario, dir, pki, webServerPath }), signal),
  ]);
  return lab;
}

function inspectorPathIn(dir: string): string {
  return join(dir, 'inspector.pem');
}

function handleOf(id: string, { name, command }: Scenario): Lab {
  const dir = labDir(id);
  const policyPath = join(dir, 'policy.yaml');
  const env = {
    ...machineEnv(),
    LAB_POLICY: policyPath,
    LAB_DIR: dir,
    LAB_SCENARIO: name,
    ...(command?.clock ? clockEnv(command.clock) : {}),
    ...(command?.trustsInterceptor ? { NODE_EXTRA_CA_CERTS: inspectorPathIn(dir) } : {}),
  };
  const inside = (namespace: string, argv: readonly string[]) => [toolPath('ip'), 'netns', 'exec', namespace, ...argv];
  const nft = async () => {
    const text = await runTool('ip', ['netns', 'exec', siteOf(id), toolPath('nft'), '-j', 'list', 'ruleset']);
    return JSON.parse(text) as Ruleset;
  };
  return {
    scenario: name,
    dir,
    policyPath,
    rootPath: join(dir, 'root.pem'),
    env,
    exec: (argv, options) => run(inside(deskOf(id), argv), { ...options, env: { ...env, ...options?.env } }),
    execInSite: (argv, options) => run(inside(siteOf(id), argv), { ...options, env: { ...machineEnv(), ...options?.env } }),
    spawn: (argv, options = {}) => {
      const [file, ...rest] = inside(deskOf(id), argv);
      return spawn(file as string, rest, { ...options, env: { ...env, ...options.env } });
    },
    nft,
    counter: async (counterName) => packetsCounted(await nft(), counterName),
  };
}

/** The machine's proxies and extra roots belong to the machine's network, not to the desk's. */
function machineEnv(): Record<string, string> {
  const foreign = /^(https?_proxy|all_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR))$/i;
  const kept = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && !foreign.test(entry[0]));
  return Object.fromEntries(kept);
}
