// An agent's programs, under the agent's uid: connects to the CCP's host and asks a TURN host, again and again, until its standard
// input ends. Prints one JSON line for each try, an `Attempt` of `killed-daemon-gate.ts`.
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { instanceHost, turnHosts, turnPort, webHosts } from '../lab/world.ts';
import type { Attempt } from './killed-daemon-gate.ts';

const address = webHosts[instanceHost] ?? '';
const [turnAddress = ''] = Object.values(turnHosts);
const CONNECT_EVERY_MS = 50;
/** A rate of no call. */
const ASK_EVERY_MS = 1_000;
const ANSWER_WITHIN_MS = 900;

function tell(attempt: Attempt): void {
  process.stdout.write(`${JSON.stringify(attempt)}\n`);
}

function tryConnect(): void {
  const fromMs = Date.now();
  const socket = connect({ host: address, port: 443 });
  const settle = (ended: Attempt['ended']) => {
    clearTimeout(limit);
    socket.removeAllListeners('connect').destroy();
    tell({ what: 'tcp', fromMs, ended });
  };
  const limit = setTimeout(() => settle('silence'), ANSWER_WITHIN_MS);
  socket.once('connect', () => settle('through'));
  socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code === 'ECONNREFUSED' ? 'refused' : 'silence'));
}

const udp = createSocket('udp4');
const asked = new Map<string, number>();
udp.on('error', () => {});
udp.on('message', (answer) => {
  const id = answer.toString('hex', 8, 20);
  const fromMs = asked.get(id);
  if (asked.delete(id) && fromMs !== undefined) tell({ what: 'udp', fromMs, ended: 'through' });
});

/** A Binding request: RFC 8489, section 5. */
function ask(): void {
  const id = randomBytes(12);
  const fromMs = Date.now();
  asked.set(id.toString('hex'), fromMs);
  udp.send(Buffer.concat([Buffer.from([0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42]), id]), turnPort, turnAddress, () => {});
  setTimeout(() => {
    if (asked.delete(id.toString('hex'))) tell({ what: 'udp', fromMs, ended: 'silence' });
  }, ANSWER_WITHIN_MS);
}

setInterval(tryConnect, CONNECT_EVERY_MS);
setInterval(ask, ASK_EVERY_MS);
process.stdin.on('end', () => process.exit(0)).resume();
