import path from 'node:path';
import { EmbeddedFault } from './embedded-fault.ts';

/** sizeof(sun_path) less its closing zero. */
const SOCKET_PATH_BYTES = 107;
/** Part of the socket's name, and nothing else where nobody listens on TCP. */
export const SOCKET_PORT = 5432;

export function checkSocketPath(socketDir: string): void {
  const longest = path.join(socketDir, `.s.PGSQL.${SOCKET_PORT}`);
  const bytes = Buffer.byteLength(longest);
  if (bytes <= SOCKET_PATH_BYTES) return;
  throw new EmbeddedFault(
    'path-too-long',
    `the path of PostgreSQL's socket, ${longest}, has ${bytes} bytes and the system allows ${SOCKET_PATH_BYTES}: choose a shorter data directory`,
  );
}

/** Where the server listens: a socket that only root and its own account reach, or this machine's loopback where Node has none. */
export function listenSettings(socketDir: string | null, port: number): string[] {
  if (socketDir === null) return ['listen_addresses=127.0.0.1', `port=${port}`];
  return ['listen_addresses=', `unix_socket_directories=${socketDir}`, 'unix_socket_permissions=0700', `port=${port}`];
}

export function serverSettings(durable: boolean): string[] {
  const sync = durable ? 'on' : 'off';
  return [
    `fsync=${sync}`,
    `synchronous_commit=${sync}`,
    `full_page_writes=${sync}`,
    'password_encryption=scram-sha-256',
    'timezone=UTC',
    'log_timezone=UTC',
    // The client hears of every failed statement. The log would keep its text and rows, which the fleet seals or keeps to a tenant.
    'log_min_messages=log',
    'log_min_error_statement=panic',
    'log_error_verbosity=terse',
    'log_checkpoints=off',
    'shared_buffers=256MB',
    // Few checkpoints under the many small updates of heartbeats; their replay after a kill stays below a minute.
    'max_wal_size=2GB',
    'checkpoint_timeout=15min',
    'wal_compression=on',
    // Short statements: compiling one, or sharing it among processes, costs more than it saves.
    'jit=off',
    'max_parallel_workers_per_gather=0',
  ];
}
