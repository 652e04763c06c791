#!/usr/bin/env node
import os from 'node:os';
import process from 'node:process';
import { bundledAllowlist } from '../checks/allowlist/bundled.ts';
import { catalog } from '../checks/catalog.ts';
import type { Memory, Platform } from '../checks/host.ts';
import type { Plan } from '../checks/plan.ts';
import type { Vantage } from '../contracts/finding.ts';
import { LinkFault } from '../contracts/local-link/link-fault.ts';
import type { Policy } from '../contracts/policy.ts';
import packageFile from '../package.json' with { type: 'json' };
import type { Desk } from './cli/desk.ts';
import { type Environment, main } from './cli/main.ts';
import { systemClock } from './host/clock.ts';
import { createDaemonHost } from './host/daemon-host.ts';
import { createNet, type NetOptions } from './host/net.ts';
import { chooseProxy, type ProxyEnv } from './host/proxy-settings.ts';
import { runOnce } from './run/one-shot.ts';
import type { OpenedHost } from './run/run-round.ts';

// The composition root: the only place of the agent that reads the environment and the platform.
const { env } = process;

/** An empty variable counts as none, as NO_COLOR and POSIX locales have it. */
function named(...names: string[]): string | undefined {
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== '');
}

function readPlatform(): Platform {
  return process.platform === 'win32' || process.platform === 'darwin' ? process.platform : 'linux';
}

function readEnvironment(platform: Platform): Environment {
  const isDumb = env.TERM === 'dumb';
  const characters = named('LC_ALL', 'LC_CTYPE', 'LANG');
  return {
    language: named('LC_ALL', 'LC_MESSAGES', 'LANG') ?? Intl.DateTimeFormat().resolvedOptions().locale,
    unicode: platform !== 'linux' && characters === undefined ? true : /utf-?8/i.test(characters ?? ''),
    color: named('NO_COLOR') === undefined && !isDumb,
    live: named('CI') === undefined && !isDumb,
    uid: process.getuid?.() ?? 0,
    debug: named('DESKWARDEN_DEBUG') === '1',
  };
}

function readProxyEnv(): ProxyEnv {
  const httpsProxy = named('https_proxy', 'HTTPS_PROXY');
  const noProxy = named('no_proxy', 'NO_PROXY');
  return { ...(httpsProxy === undefined ? {} : { httpsProxy }), ...(noProxy === undefined ? {} : { noProxy }) };
}

/** From source there is no built child process beside this file. */
const fromSource = import.meta.url.endsWith('.ts')
  ? { systemLookupPath: new URL('./host/system-lookup-child.ts', import.meta.url), systemLookupArgs: process.execArgv }
  : {};

const platform = readPlatform();
const proxyEnv = readProxyEnv();

const configPath =
  named('DESKWARDEN_CONFIG') ?? (platform === 'win32' ? 'C:\\ProgramData\\Deskwarden\\daemon.yaml' : '/etc/deskwarden/daemon.yaml');

/** With audio redirected to the agent's own device, this is taken for the guest of that VDI. */
const vantageOf = (policy: Policy): Vantage => (policy.features.vdi ? 'vdi-guest' : 'endpoint');

interface Opening {
  plan: Plan;
  vantage: Vantage;
  memory: Memory;
  signal: AbortSignal;
  onStep: NetOptions['onStep'];
}

function openHost({ plan, vantage, memory, signal, onStep }: Opening): OpenedHost {
  const net = createNet({ plan, proxyEnv, env, signal, ...fromSource, ...(onStep ? { onStep } : {}) });
  return { host: createDaemonHost({ platform, vantage, net, memory }), close: () => net.close() };
}

const desk: Desk = {
  version: packageFile.version,
  checks: catalog,
  allowlist: bundledAllowlist,
  configPath,
  run({ policy, plan, only, signal, onProgress }) {
    const vantage = vantageOf(policy);
    return runOnce({
      policy,
      plan,
      allowlist: plan.allowlist,
      checks: catalog,
      ...(only === null ? {} : { only }),
      vantage,
      clock: systemClock,
      signal,
      onProgress,
      makeHost: (roundSignal) =>
        openHost({
          plan,
          vantage,
          // One run remembers nothing of earlier ones; the daemon keeps that memory.
          memory: { turnAnswered: () => false },
          signal: roundSignal,
          onStep: (endpoint, step, state, detail) => onProgress({ kind: 'endpoint', endpoint, step, state, detail }),
        }),
    });
  },
  async startDaemon({ config, localPolicy, write }) {
    // Loaded when it is wanted: a single check starts faster without it.
    const { startDaemon } = await import('./daemon/start-daemon.ts');
    return startDaemon({
      version: packageFile.version,
      platform,
      hostName: os.hostname(),
      config,
      checks: catalog,
      bundled: bundledAllowlist,
      localPolicy,
      vantageOf,
      proxyFor: chooseProxy('env', proxyEnv),
      wallMs: Date.now,
      random: Math.random,
      makeHost: ({ plan, vantage }, memory, signal) => openHost({ plan, vantage, memory, signal, onStep: undefined }),
      write,
      serviceManager: { socketPath: named('NOTIFY_SOCKET'), watchdogUsec: named('WATCHDOG_USEC') },
    });
  },
  async connectDaemon(runDir) {
    const [{ connectLocalApi }, { localApiPath }, { readDaemonPublicKey }] = await Promise.all([
      import('./local-api/client.ts'),
      import('../contracts/local-link/address.ts'),
      import('./daemon/daemon-key.ts'),
    ]);
    const uid = process.getuid?.() ?? 0;
    const key = await readDaemonPublicKey(runDir);
    // Whoever answers without it could be anybody.
    if (!key) throw new LinkFault('no-daemon', `no key of a daemon in ${runDir}`);
    return connectLocalApi({ path: localApiPath(runDir, uid), verify: { key, uid } });
  },
  async hasFleet({ stateDir }) {
    const { hasFleet } = await import('./fleet-link/identity.ts');
    return hasFleet(stateDir);
  },
  async releaseGate({ stateDir }) {
    const { releaseWithoutDaemon } = await import('./daemon/release-without-daemon.ts');
    return releaseWithoutDaemon(stateDir, platform);
  },
  async applyAgentLoss({ stateDir }) {
    const { applyAgentLoss } = await import('./daemon/agent-loss.ts');
    return applyAgentLoss({ stateDir, platform, checks: catalog, bundled: bundledAllowlist, vantageOf });
  },
  async enrol({ config, ...asked }) {
    const { enrolByHand } = await import('./fleet-link/enrol-by-hand.ts');
    const { version } = packageFile;
    return enrolByHand({ ...asked, stateDir: config.stateDir, version, platform, proxyFor: chooseProxy('env', proxyEnv) });
  },
  async collectBundle(request) {
    const [{ collectBundle }, { createNft }] = await Promise.all([import('./bundle/collect-bundle.ts'), import('./gate/egress/nft.ts')]);
    return collectBundle(request, { version: packageFile.version, platform, wallMs: Date.now, nft: createNft() });
  },
};

await main(process.argv.slice(2), desk, readEnvironment(platform));
