import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export type ToolGroup = 'lab' | 'peers' | 'browser' | 'sound' | 'database';

/** A program (or library) of the operating system that the tests use. */
export interface NeededTool {
  tool: string;
  /** Where Debian and its relatives put it; the first that exists is used. */
  paths: readonly string[];
  /** Debian package that brings it. */
  package: string;
  purpose: string;
  groups: readonly ToolGroup[];
}

export const neededTools: readonly NeededTool[] = [
  { tool: 'ip', paths: system('ip'), package: 'iproute2', purpose: 'network namespaces', groups: ['lab'] },
  { tool: 'sysctl', paths: system('sysctl'), package: 'procps', purpose: "the site's ICMP limits", groups: ['lab'] },
  { tool: 'nft', paths: system('nft'), package: 'nftables', purpose: "the site's firewall", groups: ['lab'] },
  { tool: 'dnsmasq', paths: system('dnsmasq'), package: 'dnsmasq-base', purpose: "the site's DNS server", groups: ['lab'] },
  { tool: 'turnserver', paths: system('turnserver'), package: 'coturn', purpose: 'TURN servers', groups: ['lab'] },
  { tool: 'mitmdump', paths: system('mitmdump'), package: 'mitmproxy', purpose: 'TLS interception', groups: ['lab'] },
  { tool: 'squid', paths: system('squid'), package: 'squid', purpose: 'the explicit proxy', groups: ['lab'] },
  { tool: 'nginx', paths: system('nginx'), package: 'nginx-light', purpose: 'a proxy without WebSocket', groups: ['lab'] },
  { tool: 'libfaketime', paths: faketimeLibraries(), package: 'libfaketime', purpose: 'wrong clocks', groups: ['lab'] },
  { tool: 'openssl', paths: system('openssl'), package: 'openssl', purpose: 'a second opinion on TLS', groups: ['lab', 'peers'] },
  { tool: 'stund', paths: system('stund'), package: 'stun-server', purpose: 'a STUN server without TURN', groups: ['lab', 'peers'] },
  {
    tool: 'turnutils_stunclient',
    paths: system('turnutils_stunclient'),
    package: 'coturn',
    purpose: 'a second opinion on STUN',
    groups: ['peers'],
  },
  {
    tool: 'turnutils_uclient',
    paths: system('turnutils_uclient'),
    package: 'coturn',
    purpose: 'a second opinion on TURN',
    groups: ['peers'],
  },
  { tool: 'dig', paths: system('dig'), package: 'bind9-dnsutils', purpose: 'a second opinion on DNS', groups: ['peers'] },
  { tool: 'pulseaudio', paths: system('pulseaudio'), package: 'pulseaudio', purpose: 'a sound server that records', groups: ['sound'] },
  { tool: 'pactl', paths: system('pactl'), package: 'pulseaudio-utils', purpose: 'asking a sound server', groups: ['sound'] },
  // Debian's command has no `.sh`.
  { tool: 'testssl', paths: system('testssl'), package: 'testssl.sh', purpose: 'a second opinion on TLS', groups: ['peers'] },
  {
    tool: 'postgres',
    paths: ['/usr/lib/postgresql/15/bin/postgres'],
    package: 'postgresql-15',
    purpose: 'the oldest PostgreSQL that the fleet takes',
    groups: ['database'],
  },
  { tool: 'chromium', paths: ['/usr/bin/chromium'], package: 'chromium', purpose: 'a browser that obeys policies', groups: ['browser'] },
  { tool: 'Xvfb', paths: system('Xvfb'), package: 'xvfb', purpose: 'a screen for a browser with windows', groups: ['browser'] },
  { tool: 'certutil', paths: system('certutil'), package: 'libnss3-tools', purpose: 'a root that a browser trusts', groups: ['browser'] },
];

function system(name: string): string[] {
  return ['/usr/sbin', '/usr/bin', '/sbin', '/bin'].map((dir) => `${dir}/${name}`);
}

function faketimeLibraries(): string[] {
  return ['x86_64-linux-gnu', 'aarch64-linux-gnu', 'arm-linux-gnueabihf'].map(
    (triplet) => `/usr/lib/${triplet}/faketime/libfaketimeMT.so.1`,
  );
}

export function missingTools(group: ToolGroup, exists: (path: string) => boolean = existsSync): NeededTool[] {
  return neededTools.filter((needed) => needed.groups.includes(group) && !needed.paths.some(exists));
}

export function toolPath(tool: string): string {
  const needed = neededTools.find((candidate) => candidate.tool === tool);
  if (!needed) throw new Error(`build/debian-tools.ts knows no tool "${tool}": add it to neededTools`);
  const path = needed.paths.find((candidate) => existsSync(candidate));
  if (!path) throw new Error(describeMissing([needed]));
  return path;
}

/** One line for each tool, then the command that brings them all. */
export function describeMissing(missing: readonly NeededTool[]): string {
  const lines = missing.map((needed) => `missing: ${needed.tool} (${needed.purpose}), Debian package ${needed.package}`);
  return [...lines, `to install: apt-get install --no-install-recommends ${packagesOf(missing).join(' ')}`].join('\n');
}

export function packagesOf(tools: readonly NeededTool[]): string[] {
  return [...new Set(tools.map((needed) => needed.package))].sort();
}

export interface InstallOptions {
  /** How long another apt or dpkg on the machine may hold its lock. */
  lockWaitMs?: number;
  say?: (line: string) => void;
}

const aptGetPath = '/usr/bin/apt-get';
const LOCK_WAIT_MS = 120_000;
const LOCK_RETRY_MS = 2_000;

/** Installs what the group lacks, where this process may. Returns what is still missing and, if anything is, why. */
export async function installTools(
  group: ToolGroup,
  options: InstallOptions = {},
): Promise<{ missing: NeededTool[]; because: string | null }> {
  const missing = missingTools(group);
  const because = missing.length === 0 ? null : whyNotHere();
  if (missing.length === 0 || because !== null) return { missing, because };
  const say = options.say ?? ((line) => void process.stderr.write(`${line}\n`));
  const lockWaitMs = options.lockWaitMs ?? LOCK_WAIT_MS;
  const packages = packagesOf(missing);
  const failure = await withoutServiceStart(async () => {
    say('apt-get update');
    // A stale index may still name everything that is wanted, so that only the installation decides.
    await aptGet(['update'], lockWaitMs);
    say(`apt-get install ${packages.join(' ')}`);
    const install = () => aptGet(['install', '-y', '--no-install-recommends', ...packages], lockWaitMs);
    return group === 'database' ? withoutCluster(install) : install();
  });
  return { missing: missingTools(group), because: failure };
}

function whyNotHere(): string | null {
  if (!existsSync(aptGetPath)) return `this machine has no ${aptGetPath}`;
  if (process.getuid?.() !== 0) return 'only root may install packages';
  return null;
}

/** Null on success, otherwise the end of what apt-get said. */
async function aptGet(args: readonly string[], lockWaitMs: number): Promise<string | null> {
  const deadline = performance.now() + lockWaitMs;
  for (;;) {
    const { code, stderr } = await runAptGet(['-q', '-o', `DPkg::Lock::Timeout=${Math.ceil(lockWaitMs / 1_000)}`, ...args]);
    if (code === 0) return null;
    // apt's own time limit covers dpkg's lock, not the one on the package lists; its exit code is 100 for everything.
    const locked = stderr.includes('Could not get lock');
    if (!locked || performance.now() > deadline) return `apt-get ${args[0]} ended with ${code}: ${stderr.trim().slice(-600)}`;
    await delay(LOCK_RETRY_MS);
  }
}

function runAptGet(args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
    const child = spawn(aptGetPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stderr }));
  });
}

const policyPath = '/usr/sbin/policy-rc.d';
const policyText = '#!/bin/sh\n# deskwarden: installed servers are not started; removed after the installation\nexit 101\n';

/** Debian starts a server as soon as it is installed, unless this file says no. One of the machine's own is left alone. */
async function withoutServiceStart<T>(install: () => Promise<T>): Promise<T> {
  // A file with our text was left by an installation that was killed.
  if (existsSync(policyPath) && readFileSync(policyPath, 'utf8') !== policyText) return install();
  writeFileSync(policyPath, policyText, { mode: 0o755 });
  const remove = () => rmSync(policyPath, { force: true });
  process.once('exit', remove);
  try {
    return await install();
  } finally {
    remove();
    process.off('exit', remove);
  }
}

const clusterSettingsDir = '/etc/postgresql-common/createcluster.d';

/** Debian makes a database cluster with the package, and starts it at each boot of the machine, unless this setting says no. */
async function withoutCluster<T>(install: () => Promise<T>): Promise<T> {
  const settings = `${clusterSettingsDir}/deskwarden.conf`;
  mkdirSync(clusterSettingsDir, { recursive: true });
  writeFileSync(settings, '# deskwarden: tests need the programs alone; removed after the installation\ncreate_main_cluster = false\n');
  const remove = () => rmSync(settings, { force: true });
  process.once('exit', remove);
  try {
    return await install();
  } finally {
    remove();
    process.off('exit', remove);
  }
}
