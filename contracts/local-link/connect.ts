import type { Client } from '../call.ts';
import { type LocalApi, localApi } from '../local-api.ts';
import { type After, createLink, type LinkListener } from './link.ts';
import { LinkFault, linkFaultOf, type SystemFault } from './link-fault.ts';

export interface ClientDeadlines {
  connectMs: number;
  helloMs: number;
  callMs: number;
  keepAliveMs: number;
}

export const CLIENT_DEADLINES: ClientDeadlines = {
  /** A local connect takes microseconds, or waits in the queue of a daemon that does not run. */
  connectMs: 2_000,
  /** One signature; leaves room for a daemon that is busy with a run. */
  helloMs: 3_000,
  /** The daemon gives up after 10 s and says so. */
  callMs: 12_000,
  /** The daemon takes 90 s of silence for a client that hangs. */
  keepAliveMs: 30_000,
};

/** Of a socket of Node, what is used here. */
export interface LocalSocket {
  on(event: 'connect' | 'close', listener: () => void): unknown;
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'error', listener: (error: SystemFault) => void): unknown;
  write(bytes: Uint8Array): unknown;
  destroy(): unknown;
}

export interface ConnectPorts {
  connect(path: string): LocalSocket;
  after: After;
  /** 32 random bytes, base64url. */
  newNonce(): string;
}

export interface ConnectOptions {
  path: string;
  /** Whether the daemon's key signed the nonce for this user's socket. */
  isSigned(nonce: string, signature: string): boolean;
  deadlines: ClientDeadlines;
}

/** Calls give what the daemon answers; when it does not answer they reject with a `LinkFault`. */
export type LocalApiClient = Client<LocalApi> & {
  /** Settles when the connection is over, with the reason. A new one is the caller's business. */
  readonly closed: Promise<LinkFault>;
  close(): void;
};

/** Rejects with a `LinkFault`. */
export async function connectLocalLink(ports: ConnectPorts, { path, isSigned, deadlines }: ConnectOptions): Promise<LocalApiClient> {
  const socket = await open(ports, path, deadlines.connectMs);
  const link = createLink(socket, ports.after, deadlines.keepAliveMs);
  socket.on('data', link.take);
  socket.on('error', (error) => link.end(new LinkFault('closed', error.code ?? error.message)));
  socket.on('close', () => link.end(new LinkFault('closed', 'the daemon ended the connection')));
  try {
    // Asked even where nobody checks the answer: a daemon that has no room says so here.
    const nonce = ports.newNonce();
    const hello = await link.call('hello', { nonce }, deadlines.helloMs);
    if (!hello.ok) throw new LinkFault(hello.error.code === 'busy' ? 'busy' : 'not-the-daemon', hello.error.detail);
    const { signature } = hello.value as { signature: string };
    if (!isSigned(nonce, signature)) throw new LinkFault('not-the-daemon', 'wrong signature');
  } catch (error) {
    const fault = error as LinkFault;
    link.end(fault);
    // Who cannot even say hello in our language is somebody else.
    throw fault.code === 'bad-response' ? new LinkFault('not-the-daemon', fault.message) : fault;
  }
  const calls = Object.keys(localApi).map((name) => [name, (request: unknown) => link.call(name, request, deadlines.callMs)]);
  const on = (name: string, listener: LinkListener) => link.on(name, listener);
  const close = () => link.end(new LinkFault('closed', 'closed by us'));
  return { ...Object.fromEntries(calls), on, closed: link.closed, close } as LocalApiClient;
}

function open({ connect, after }: ConnectPorts, path: string, connectMs: number): Promise<LocalSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const fail = (fault: LinkFault) => {
      callOff();
      socket.destroy();
      reject(fault);
    };
    const callOff = after(connectMs, () => fail(new LinkFault('timed-out', `no connection in ${connectMs} ms`)));
    // Stays; once connected it settles nothing any more.
    socket.on('error', (error) => fail(linkFaultOf(error, path)));
    socket.on('connect', () => {
      callOff();
      resolve(socket);
    });
  });
}
