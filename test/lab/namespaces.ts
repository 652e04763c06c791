import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deskOf, isStale, labId, parseLabName, parseStat, siteOf } from './lab-name.ts';
import { endProcess, runTool } from './processes.ts';
import { removeSharedMemory } from './shared-memory.ts';
import { canary, deskAddress, siteAddress, spareTurnAddress, turnHosts, webHosts } from './world.ts';

const namespacesDir = '/run/netns';
const overlaysDir = '/etc/netns';

/** Killed processes leave the namespace when the kernel has collected them; a busy machine takes its time. */
const EMPTY_WITHIN_MS = 5_000;

export function labDir(id: string): string {
  return join(tmpdir(), id);
}

/** Takes the first free number of this process: other copies of this module in the process may hold some. */
export async function claimLab(): Promise<string> {
  const own = parseStat(readFileSync('/proc/self/stat', 'utf8'));
  if (!own) throw new Error('/proc/self/stat cannot be read: is /proc mounted?');
  for (let number = 1; ; number++) {
    const id = labId({ pid: process.pid, startTime: own.startTime, number });
    try {
      await mkdir(labDir(id), { mode: 0o755 });
      return id;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

export async function createNamespaces(id: string): Promise<void> {
  const [desk, site] = [deskOf(id), siteOf(id)];
  await writeOverlay(desk);
  await runTool(
    'ip',
    ['-batch', '-'],
    lines(`netns add ${desk}`, `netns add ${site}`, `link add name veth0 netns ${desk} type veth peer name veth0 netns ${site}`),
  );
  const servers = [...Object.values(webHosts), ...Object.values(turnHosts), spareTurnAddress, canary.address];
  // A reverse-path filter of the machine is inherited and would drop what the desk sends to addresses on `lo`.
  const unfiltered = ['all', 'lo', 'veth0'].map((name) => `net.ipv4.conf.${name}.rp_filter=0`);
  await Promise.all([
    runTool('ip', ['netns', 'exec', desk, '/usr/sbin/sysctl', '-qw', ...unfiltered]),
    // The kernel's limit of one ICMP error a second would turn a reject into silence.
    runTool('ip', ['netns', 'exec', site, '/usr/sbin/sysctl', '-qw', ...unfiltered, 'net.ipv4.icmp_ratelimit=0']),
    runTool('ip', ['-n', site, '-batch', '-'], lines(...upWith(siteAddress), ...servers.map((ip) => `addr add ${ip}/32 dev lo`))),
    runTool('ip', ['-n', desk, '-batch', '-'], lines(...upWith(deskAddress), `route add default via ${siteAddress}`)),
  ]);
}

function upWith(address: string): string[] {
  return ['link set lo up', `addr add ${address}/24 dev veth0`, 'link set veth0 up'];
}

/** The desk must not see the machine's own names, nor ask a resolver over a Unix socket, which no namespace confines. */
async function writeOverlay(desk: string): Promise<void> {
  const dir = join(overlaysDir, desk);
  await mkdir(dir, { recursive: true });
  await Promise.all([
    writeFile(join(dir, 'resolv.conf'), lines(`nameserver ${siteAddress}`, 'options timeout:1 attempts:2')),
    writeFile(join(dir, 'hosts'), lines('127.0.0.1 localhost', '::1 localhost')),
    writeFile(join(dir, 'nsswitch.conf'), lines('hosts: files dns')),
  ]);
}

/** Ends everything inside, then deletes: in the other order the processes could no longer be found. */
export async function removeLab(id: string): Promise<void> {
  for (const namespace of [deskOf(id), siteOf(id)]) {
    const path = join(namespacesDir, namespace);
    if (existsSync(path)) {
      await emptyNamespace(namespace);
      // Two sweeps may meet at one stale lab: gone is gone, whoever did it. A half-made one has only its file.
      await runTool('ip', ['netns', 'del', namespace]).catch(() => rmSync(path, { force: true }));
    }
    await rm(join(overlaysDir, namespace), { recursive: true, force: true });
  }
  removeSharedMemory(id);
  await rm(labDir(id), { recursive: true, force: true });
}

async function emptyNamespace(namespace: string): Promise<void> {
  const deadline = performance.now() + EMPTY_WITHIN_MS;
  while (performance.now() < deadline) {
    const pids = await runTool('ip', ['netns', 'pids', namespace]).catch(() => '');
    const inside = pids.split('\n').filter(Boolean).map(Number);
    if (inside.length === 0) return;
    for (const pid of inside) endProcess(pid);
  }
  throw new Error(`namespace ${namespace} still holds processes ${EMPTY_WITHIN_MS} ms after they were killed`);
}

/** Removes the labs whose runner has ended without doing so; true when there were any. */
export async function sweepStaleLabs(): Promise<boolean> {
  const stale = new Set<string>();
  for (const dir of [namespacesDir, overlaysDir, tmpdir()]) {
    if (!existsSync(dir)) continue;
    for (const entry of readdirSync(dir)) {
      const name = parseLabName(entry);
      if (name && isStale(name, statOf(name.pid))) stale.add(labId(name));
    }
  }
  for (const id of stale) await removeLab(id);
  return stale.size > 0;
}

/** Text of /proc/PID/stat; null where there is no such process. */
export function statOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
}

function lines(...all: string[]): string {
  return `${all.join('\n')}\n`;
}
