import { connect } from 'node:net';
import { type TestServer, tcpServer } from './tcp.ts';

export interface ProxyServer extends TestServer {
  /** Heads of the CONNECT requests, as they came. */
  heads: string[];
}

/** An HTTP proxy: tunnels every CONNECT to `toPort` on loopback, or answers with a fixed text; an empty text is silence. */
export async function proxyServer(does: { toPort: number } | { answer: string }): Promise<ProxyServer> {
  const heads: string[] = [];
  const server = await tcpServer((socket) =>
    socket.once('data', (bytes) => {
      heads.push(bytes.toString('latin1'));
      if ('answer' in does) {
        if (does.answer !== '') socket.end(does.answer);
        return;
      }
      const onward = connect(does.toPort, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        socket.pipe(onward).pipe(socket);
      });
      onward.on('error', () => socket.destroy());
      socket.on('close', () => onward.destroy());
    }),
  );
  return { ...server, heads };
}
