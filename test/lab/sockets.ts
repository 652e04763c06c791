import { readFileSync, statSync } from 'node:fs';

export interface Listening {
  protocol: 'tcp' | 'udp';
  address: string;
  port: number;
}

/** State column of /proc/net/tcp for a listening socket. */
const TCP_LISTEN = '0A';

/** Reads /proc/net/{tcp,udp}: addresses there are little-endian hexadecimal. IPv6 tables yield their wildcard only. */
export function parseSockets(protocol: Listening['protocol'], table: string): Listening[] {
  const found: Listening[] = [];
  for (const line of table.split('\n').slice(1)) {
    const [, local, , state] = line.trim().split(/\s+/);
    const [hex, port] = local?.split(':') ?? [];
    if (!hex || !port || (protocol === 'tcp' && state !== TCP_LISTEN)) continue;
    const address = /^0+$/.test(hex) ? '0.0.0.0' : hex.length === 8 ? dotted(hex) : '';
    if (address) found.push({ protocol, address, port: Number.parseInt(port, 16) });
  }
  return found;
}

function dotted(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  return [...bytes].reverse().join('.');
}

export function missingSockets(wanted: readonly Listening[], present: readonly Listening[]): Listening[] {
  return wanted.filter(
    (want) =>
      !present.some(
        (has) => has.protocol === want.protocol && has.port === want.port && (has.address === want.address || has.address === '0.0.0.0'),
      ),
  );
}

/** Sockets of the process's namespace; none while `ip` has not yet moved it into the namespace at `namespacePath`. */
export function socketsSeenBy(pid: number, namespacePath: string): Listening[] {
  try {
    if (statSync(`/proc/${pid}/ns/net`).ino !== statSync(namespacePath).ino) return [];
    return (['tcp', 'tcp6', 'udp', 'udp6'] as const).flatMap((name) =>
      parseSockets(name.startsWith('tcp') ? 'tcp' : 'udp', readFileSync(`/proc/${pid}/net/${name}`, 'utf8')),
    );
  } catch (error) {
    // It ended between two reads, or the kernel has no IPv6.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
