import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface UdpServer {
  port: number;
  send(bytes: Uint8Array, to: { port: number; address: string }): void;
  close(): Promise<void>;
}

/** A UDP peer on loopback; `onMessage` answers on the socket it is given. */
export async function udpServer(onMessage: (socket: Socket, bytes: Buffer, from: RemoteInfo) => void): Promise<UdpServer> {
  const socket = createSocket('udp4');
  socket.on('error', () => {});
  socket.on('message', (bytes, from) => onMessage(socket, bytes, from));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    send: (bytes, to) => socket.send(bytes, to.port, to.address),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
