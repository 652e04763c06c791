import { createServer, type Server, type Socket } from 'node:net';

export interface TestServer {
  port: number;
  /** Connections accepted so far. */
  connections(): number;
  close(): Promise<void>;
}

/** A TCP server on loopback whose every connection is handed to `onConnection`. */
export function tcpServer(onConnection: (socket: Socket) => void): Promise<TestServer> {
  return listening(
    createServer((socket) => {
      socket.on('error', () => {});
      onConnection(socket);
    }),
  );
}

/** Starts any TCP-based server on a free port; closing it ends its connections too. */
export async function listening(server: Server): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = await tcpServer(() => {});
  await server.close();
  return server.port;
}

/** Writes a chunk again and again while the peer reads. */
export function writeForEver(socket: Socket, chunk: Buffer | string, everyMs: number): void {
  const timer = setInterval(() => {
    if (!socket.destroyed && socket.writableLength < 100_000) socket.write(chunk);
  }, everyMs);
  socket.on('close', () => clearInterval(timer));
}
