import { connect } from 'node:net';
import process from 'node:process';
import { MAX_DAEMON_FRAME_BYTES } from '../../../../contracts/local-api.ts';
import { createFrameDecoder } from '../../../../contracts/local-link/framing.ts';
import { frameOf } from './staged-api.ts';

// Connects many clients at once and keeps them; prints what became of them once told to stop, and no more than `most` are left.
const [socketPath = '', count = '0', manner = 'silent', most = '0'] = process.argv.slice(2);
const met = { connected: 0, failed: 0, ended: 0, busy: 0, answered: 0 };

for (let index = 0; index < Number(count); index += 1) {
  const socket = connect(socketPath);
  const decoder = createFrameDecoder(MAX_DAEMON_FRAME_BYTES);
  let isConnected = false;
  socket.on('connect', () => {
    isConnected = true;
    met.connected += 1;
    if (manner === 'calling') socket.write(frameOf({ id: 0, call: 'snapshot' }));
    if (manner === 'garbage') socket.write('GET / HTTP/1.1\r\n\r\n');
  });
  socket.on('data', (chunk: Uint8Array) => {
    for (const body of decoder.push(chunk).bodies) {
      const message = JSON.parse(new TextDecoder().decode(body));
      if (message.type === 'value') met.answered += 1;
      if (message.type === 'closing' && message.error.code === 'busy') met.busy += 1;
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    met[isConnected ? 'ended' : 'failed'] += 1;
  });
}
process.stdin.once('data', () => {
  // Those that were put out last may not know it yet.
  const endMs = performance.now() + 4_000;
  const timer = setInterval(() => {
    if (met.connected - met.ended > Number(most) && performance.now() < endMs) return;
    clearInterval(timer);
    process.stdout.write(JSON.stringify(met), () => process.exit());
  }, 50);
});
