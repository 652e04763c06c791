import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { rigOptions } from './options.ts';

export interface SecondInstance {
  argv: string[];
  cwd: string;
  data: unknown;
}

export interface InstanceLock {
  /** Synchronous, as the real one is: a file says who has it, and a socket takes the hand-over. */
  request(data: unknown): boolean;
  release(): void;
  isHeld(): boolean;
  /** Settles when a second instance has told the first one. */
  handedOver(): Promise<void>;
}

export function instanceLock(onSecond: (second: SecondInstance) => void): InstanceLock {
  let server: net.Server | null = null;
  let handover: Promise<void> = Promise.resolve();
  const lockPath = () => path.join(rigOptions().userDataDir, 'SingletonRig');
  const socketPath = () => `${lockPath()}.sock`;

  const release = () => {
    if (!server) return;
    server.close();
    server = null;
    rmSync(lockPath(), { force: true });
    rmSync(socketPath(), { force: true });
  };
  return {
    isHeld: () => server !== null,
    release,
    handedOver: () => handover,
    request: (data) => {
      if (server) return true;
      if (holderLives(lockPath())) {
        const message: SecondInstance = { argv: rigOptions().argv, cwd: process.cwd(), data: data ?? null };
        handover = handOver(socketPath(), message);
        return false;
      }
      mkdirSync(rigOptions().userDataDir, { recursive: true });
      rmSync(socketPath(), { force: true });
      writeFileSync(lockPath(), String(process.pid));
      server = net
        .createServer((socket) => {
          let text = '';
          socket.setEncoding('utf8');
          socket.on('data', (chunk: string) => {
            text += chunk;
          });
          socket.on('end', () => onSecond(JSON.parse(text) as SecondInstance));
          socket.on('error', () => {});
        })
        .listen(socketPath());
      server.unref();
      process.once('exit', release);
      return true;
    },
  };
}

function holderLives(lockPath: string): boolean {
  try {
    const pid = Number(readFileSync(lockPath, 'utf8'));
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch {
    return false;
  }
}

function handOver(socketPath: string, message: SecondInstance): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath, () => socket.end(JSON.stringify(message)));
    socket
      .on('error', () => resolve())
      .on('close', () => resolve())
      .resume();
  });
}
