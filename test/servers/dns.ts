import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface DnsServer {
  /** `address:port`, as a resolver list has it. */
  server: string;
  questions: string[];
  close(): Promise<void>;
}

const RCODES: Readonly<Record<string, number>> = { formerr: 1, servfail: 2, nxdomain: 3, notimp: 4, refused: 5 };

/**
 * Answers by the first label of the name: an entry of `hosts` (IPv4, or IPv6), a response code, `nodata`, `silent`, `many`
 * (500 addresses), `loop` (a CNAME to itself), `truncated` (TC=1, and TCP is accepted but silent), `wrongid`, `garbage`.
 */
export async function dnsServer(hosts: Readonly<Record<string, readonly string[]>> = {}): Promise<DnsServer> {
  const questions: string[] = [];
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const reply = answer(bytes.subarray(2), hosts, true);
      if (reply) socket.write(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]));
    });
  });
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  const address = tcp.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const udp = createSocket('udp4');
  udp.on('error', () => {});
  udp.on('message', (bytes, from) => {
    questions.push(questionOf(bytes).name);
    const reply = answer(bytes, hosts, false);
    if (reply) udp.send(reply, from.port, from.address);
  });
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  return {
    server: `127.0.0.1:${port}`,
    questions,
    async close() {
      udp.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => tcp.close(resolve));
    },
  };
}

function questionOf(query: Buffer): { name: string; end: number; type: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.'), end: at + 5, type: query.readUInt16BE(at + 1) };
}

const A = 1;
const AAAA = 28;
const CNAME = 5;
/** A pointer to the name in the question. */
const SAME_NAME = [0xc0, 12];

function resource(type: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([...SAME_NAME, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]), data]);
}

function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [before, after] = [groups(head), groups(tail)];
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]));
}

function answer(query: Buffer, hosts: Readonly<Record<string, readonly string[]>>, overTcp: boolean): Buffer | null {
  const { name, end, type } = questionOf(query);
  const [label = ''] = name.toLowerCase().split('.');
  if (label === 'silent' || (label === 'truncated' && overTcp)) return null;
  if (label === 'garbage') return Buffer.concat([query.subarray(0, 2), Buffer.from([0x81, 0x80]), Buffer.alloc(40, 0xff)]);
  const known = hosts[label] ?? (label === 'many' ? Array.from({ length: 500 }, (_, i) => `10.0.${i >> 8}.${i & 255}`) : null);
  const wanted = (known ?? []).filter((address) => address.includes(':') === (type === AAAA));
  let records = type === A || type === AAAA ? wanted.map((address) => resource(type, addressBytes(address))) : [];
  if (label === 'loop') records = [resource(CNAME, Buffer.from(SAME_NAME))];
  if (label === 'wrongid') records = [resource(A, addressBytes('10.9.9.9'))];
  // More than an EDNS datagram may hold.
  const truncated = label === 'truncated' || (records.length > 70 && !overTcp);
  const exists = known !== null || ['nodata', 'loop', 'wrongid', 'truncated'].includes(label);
  const rcode = RCODES[label] ?? (exists ? 0 : 3);
  const reply = Buffer.concat([query.subarray(0, end), ...(truncated ? [] : records)]);
  if (label === 'wrongid') reply.writeUInt16BE(query.readUInt16BE(0) ^ 0xffff, 0);
  reply.writeUInt16BE(0x8180 | (truncated ? 0x200 : 0) | rcode, 2);
  reply.writeUInt16BE(1, 4);
  reply.writeUInt16BE(truncated ? 0 : records.length, 6);
  reply.writeUInt32BE(0, 8);
  return reply;
}
