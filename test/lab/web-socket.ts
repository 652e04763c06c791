import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** RFC 6455, section 1.3. */
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** No client of the lab sends long messages; more than this unparsed is a client gone wrong. */
const MAX_BUFFERED_BYTES = 64 * 1024;

const CLOSE = 8;
const PING = 9;
const PONG = 10;

interface Frame {
  opcode: number;
  payload: Buffer;
  rest: Buffer;
}

/** Answers 101 and then speaks only control frames: it returns pings and closes when the client does. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key'] ?? ''}${ACCEPT_GUID}`)
    .digest('base64');
  const answer = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
  socket.write(`${answer.join('\r\n')}\r\n\r\n`);
  let buffered = head;
  const take = (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    for (let frame = readFrame(buffered); frame; frame = readFrame(buffered)) {
      buffered = frame.rest;
      if (frame.opcode === PING) socket.write(writeFrame(PONG, frame.payload));
      if (frame.opcode === CLOSE) {
        socket.end(writeFrame(CLOSE, frame.payload));
        return;
      }
    }
    if (buffered.length > MAX_BUFFERED_BYTES) socket.destroy();
  };
  socket.on('data', take);
  socket.on('end', () => socket.end());
  socket.on('error', () => socket.destroy());
  take(Buffer.alloc(0));
}

/** Null while the frame is not complete. */
export function readFrame(bytes: Buffer): Frame | null {
  if (bytes.length < 2) return null;
  const opcode = bytes.readUInt8(0) & 0x0f;
  const second = bytes.readUInt8(1);
  const masked = (second & 0x80) !== 0;
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const maskAt = 2 + lengthBytes;
  const payloadAt = maskAt + (masked ? 4 : 0);
  if (bytes.length < payloadAt) return null;
  const length = lengthBytes === 2 ? bytes.readUInt16BE(2) : lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < payloadAt + length) return null;
  const payload = Buffer.from(bytes.subarray(payloadAt, payloadAt + length));
  if (masked) for (const [index, byte] of payload.entries()) payload[index] = byte ^ bytes.readUInt8(maskAt + (index % 4));
  return { opcode, payload, rest: bytes.subarray(payloadAt + length) };
}

/** Control frames only: their payload has at most 125 bytes. */
function writeFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]);
}
