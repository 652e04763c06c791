import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { createNft, type Nft } from '../../../../../agent/gate/egress/nft.ts';
import { repoRoot } from '../../../../../build/repo.ts';
import { issue, newKeyPem } from '../../../../servers/pki.ts';

const run = promisify(execFile);
const ip = '/usr/sbin/ip';
const nft = '/usr/sbin/nft';
const trafficSource = path.join(repoRoot, 'test/unit/agent/gate/egress/traffic.mjs');

/** Null where network namespaces and nft can be used here. */
export const whyNoNft: string | null =
  process.platform !== 'linux'
    ? 'needs Linux'
    : process.getuid?.() !== 0
      ? 'needs root'
      : [ip, nft, '/usr/bin/setpriv'].find((tool) => !existsSync(tool))
        ? 'needs iproute2, nftables and util-linux'
        : null;

/** Nobody has an account of these numbers. */
export const agentUid = 61_000;
export const otherUid = 61_001;

/** Out of AMAZON_CONNECT, but for the last. */
export const web = { tls: '15.193.7.10', tcp: '15.193.7.11', tcp6: '2600:f0f2:7100::11', elsewhere: '198.51.100.7' };
export const media = { v4: '15.193.7.21', v6: '2600:f0f2:7100::21', mute: '15.193.7.22', elsewhere: web.elsewhere };
export const mediaPrefixes = ['15.193.0.0/19', '2600:f0f2:7100::/40'];

export interface Tick {
  event: string;
  atMs: number;
  code?: string;
  sent?: number;
  echoed?: number;
  failed?: number;
}

export interface Flow {
  events: Tick[];
  /** The first event from now on, or since `sinceMs`, that fits. Rejects after some seconds. */
  next(fits: (tick: Tick) => boolean, sinceMs?: number): Promise<Tick>;
  stop(): void;
}

export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

/** Longer than any wait that a busy machine explains. */
const EVENT_WITHIN_MS = 10_000;

let made = 0;

/** One namespace with nothing in it but its loopback. */
export async function oneNamespace(): Promise<{
  name: string;
  nft: Nft;
  sh: (...args: string[]) => Promise<string>;
  remove(): Promise<void>;
}> {
  const name = `dw-egress-${process.pid}-${++made}`;
  await run(ip, ['netns', 'add', name]);
  await run(ip, ['-n', name, 'link', 'set', 'lo', 'up']);
  return {
    name,
    nft: createNft([[ip, 'netns', 'exec', name, nft]]),
    sh: async (...args) => (await run(ip, ['netns', 'exec', name, ...args])).stdout,
    remove: async () => void (await run(ip, ['netns', 'del', name])),
  };
}

/** A desk and a site that serves TLS, WebSocket, TCP and UDP, joined by a cable. */
export async function twoNamespaces() {
  const desk = await oneNamespace();
  const site = await oneNamespace();
  const dir = mkdtempSync(path.join(tmpdir(), 'dw-egress-'));
  // Other users may not see into the repository.
  const script = path.join(dir, 'traffic.mjs');
  chmodSync(dir, 0o755);
  copyFileSync(trafficSource, script);
  const running: ChildProcess[] = [];

  function start(namespace: string, uid: number, args: readonly string[]): Flow {
    const who = ['/usr/bin/setpriv', '--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups'];
    const child = spawn(ip, ['netns', 'exec', namespace, ...who, process.execPath, script, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    running.push(child);
    const events: Tick[] = [];
    const waiting = new Set<(tick: Tick) => void>();
    createInterface({ input: child.stdout }).on('line', (line) => {
      const tick = JSON.parse(line) as Tick;
      events.push(tick);
      for (const look of waiting) look(tick);
    });
    return {
      events,
      next: (fits, sinceMs = nowMs()) =>
        new Promise((resolve, reject) => {
          const found = events.find((tick) => tick.atMs >= sinceMs && fits(tick));
          if (found) return resolve(found);
          const look = (tick: Tick) => {
            if (tick.atMs < sinceMs || !fits(tick)) return;
            end();
            resolve(tick);
          };
          const end = () => {
            clearTimeout(timer);
            waiting.delete(look);
          };
          const timer = setTimeout(() => {
            end();
            reject(new Error(`${args.join(' ')} as ${uid}: not seen; last: ${JSON.stringify(events.slice(-3))}`));
          }, EVENT_WITHIN_MS);
          waiting.add(look);
        }),
      stop: () => void child.kill('SIGKILL'),
    };
  }

  async function remove(): Promise<void> {
    const ended = running.filter((child) => child.exitCode === null && child.signalCode === null);
    await Promise.all(
      ended.map((child) => {
        const exit = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        return exit;
      }),
    );
    await Promise.all([desk.remove(), site.remove()]);
    rmSync(dir, { recursive: true, force: true });
  }

  try {
    await run(ip, ['link', 'add', 'name', 'veth0', 'netns', desk.name, 'type', 'veth', 'peer', 'name', 'veth0', 'netns', site.name]);
    for (const [{ name }, host] of [
      [desk, 1],
      [site, 2],
    ] as const) {
      await run(ip, ['-n', name, 'addr', 'add', `10.99.0.${host}/24`, 'dev', 'veth0']);
      await run(ip, ['-n', name, 'addr', 'add', `fd99::${host}/64`, 'dev', 'veth0', 'nodad']);
      await run(ip, ['-n', name, 'link', 'set', 'veth0', 'up']);
    }
    for (const address of new Set([...Object.values(web), ...Object.values(media)])) {
      const isV6 = address.includes(':');
      await run(ip, ['-n', site.name, 'addr', 'add', `${address}/${isV6 ? 128 : 32}`, 'dev', 'lo', ...(isV6 ? ['nodad'] : [])]);
    }
    await run(ip, ['-n', desk.name, 'route', 'add', 'default', 'via', '10.99.0.2']);
    await run(ip, ['-n', desk.name, '-6', 'route', 'add', 'default', 'via', 'fd99::2']);
    const { certPem, keyPem } = issue({ commonName: 'acme.my.connect.aws' }, newKeyPem());
    writeFileSync(path.join(dir, 'cert.pem'), certPem);
    writeFileSync(path.join(dir, 'key.pem'), keyPem);
    const startedMs = nowMs();
    const server = start(site.name, 0, [
      'serve',
      path.join(dir, 'cert.pem'),
      path.join(dir, 'key.pem'),
      [web.tcp, web.tcp6, web.elsewhere].join(),
      web.tls,
      [media.v4, media.v6, media.elsewhere, web.tls].join(),
      media.mute,
    ]);
    await server.next(({ event }) => event === 'ready', startedMs);
  } catch (error) {
    await remove();
    throw error;
  }

  return {
    desk,
    /** Traffic of a user of the desk: `tcp|tls|ws|udp ADDRESS PORT`. */
    flow: (uid: number, kind: 'tcp' | 'tls' | 'ws' | 'udp', address: string, port: number) =>
      start(desk.name, uid, [kind, address, `${port}`]),
    remove,
  };
}
