import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

export interface Reply {
  status: number;
  body: string;
}

/** One connection that stays open and carries one request at a time. */
export interface DeskConnection {
  post(path: string, body: string): Promise<Reply>;
  close(): void;
}

const END_OF_HEAD = '\r\n\r\n';

/** HTTP/1.1 by hand: the generator shares the cores with what it measures, and Node's own client takes as much of them as the server. */
export async function openConnection(options: ConnectionOptions & { localAddress?: string }): Promise<DeskConnection> {
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const opened = connect(options, () => resolve(opened));
    opened.once('error', reject);
  });
  socket.setNoDelay(true);
  let waiting: { resolve(reply: Reply): void; reject(error: Error): void } | null = null;
  let text = '';
  const fail = (error: Error) => {
    waiting?.reject(error);
    waiting = null;
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server closed the connection')));
  socket.setEncoding('latin1');
  socket.on('data', (piece: string) => {
    text += piece;
    const end = text.indexOf(END_OF_HEAD);
    if (end < 0) return;
    const head = text.slice(0, end).toLowerCase();
    const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0);
    if (text.length < end + END_OF_HEAD.length + length) return;
    const reply = { status: Number(head.slice(9, 12)), body: text.slice(end + END_OF_HEAD.length) };
    text = '';
    waiting?.resolve(reply);
    waiting = null;
  });
  return {
    post: (path, body) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        const length = Buffer.byteLength(body);
        socket.write(
          `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}${END_OF_HEAD}${body}`,
        );
      }),
    close: () => socket.destroy(),
  };
}
