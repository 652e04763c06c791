// One end of real traffic: `serve CERT KEY` or `tcp|tls|ws|udp ADDRESS PORT`. Tells what happens in lines of JSON; `atMs` is the
// computer's monotonic clock, the same for every process.
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls';

/** A softphone's packets. */
const SEND_EVERY_MS = 20;
const TICK_EVERY_MS = 50;
const RECONNECT_MS = 20;
const CONNECT_WITHIN_MS = 2_000;

const [role, ...rest] = process.argv.slice(2);
const atMs = () => Number(process.hrtime.bigint()) / 1e6;
const tell = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, atMs: atMs(), ...more })}\n`);
// Whoever started it is gone.
process.stdin.on('end', () => process.exit()).resume();

if (role === 'serve') serve(...rest);
else if (role === 'udp') sendDatagrams(rest[0], Number(rest[1]));
else keepConnected(role, rest[0], Number(rest[1]));

function serve(certPath, keyPath, tcp, tls, udp, mute) {
  const echo = (socket) => socket.on('error', () => {}).pipe(socket);
  const options = { cert: readFileSync(certPath), key: readFileSync(keyPath) };
  const secure = (socket) => {
    socket.on('error', () => {});
    socket.once('data', (head) => {
      if (!head.toString().includes('Upgrade: websocket')) return echo(socket);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
      // Pings, to which the client answers: it says nothing by itself.
      const timer = setInterval(() => socket.write(Buffer.from([0x89, 0])), SEND_EVERY_MS);
      socket.on('close', () => clearInterval(timer)).resume();
    });
  };
  const list = (text) => text.split(',').filter(Boolean);
  const listening = [
    ...list(tcp).map((host) => new Promise((done) => createServer(echo).listen(443, host, done))),
    ...list(tls).map((host) => new Promise((done) => createTlsServer(options, secure).listen(443, host, done))),
    ...[
      ...list(udp).flatMap((host) => [3478, 443].map((port) => [host, port, true])),
      ...list(mute).map((host) => [host, 3478, false]),
    ].map(
      ([host, port, answers]) =>
        new Promise((done) => {
          const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
          if (answers) socket.on('message', (message, from) => socket.send(message, from.port, from.address));
          socket.bind(port, host, done);
        }),
    ),
  ];
  Promise.all(listening).then(() => tell('ready'));
}

function keepConnected(kind, host, port) {
  let echoed = 0;
  setInterval(() => tell('tick', { echoed }), TICK_EVERY_MS);
  const start = () => {
    let timer;
    const opened = () => {
      tell('open');
      if (kind === 'ws')
        socket.write(
          `GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
        );
      else timer = setInterval(() => socket.write('x'), SEND_EVERY_MS);
    };
    const socket = kind === 'tcp' ? connect(port, host, opened) : tlsConnect({ host, port, rejectUnauthorized: false }, opened);
    const connecting = setTimeout(() => socket.destroy(Object.assign(new Error(), { code: 'TIMED_OUT' })), CONNECT_WITHIN_MS);
    let code = 'END';
    socket.on(kind === 'tcp' ? 'connect' : 'secureConnect', () => clearTimeout(connecting));
    socket.on('data', (data) => {
      echoed += 1;
      // A masked pong without content.
      if (kind === 'ws' && data[0] === 0x89) socket.write(Buffer.from([0x8a, 0x80, 1, 2, 3, 4]));
    });
    socket.on('error', (error) => {
      code = error.code;
    });
    socket.on('close', () => {
      clearInterval(timer);
      clearTimeout(connecting);
      tell('closed', { code });
      setTimeout(start, RECONNECT_MS);
    });
  };
  start();
}

function sendDatagrams(host, port) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  let [sent, echoed, failed] = [0, 0, 0];
  socket.on('message', () => {
    echoed += 1;
  });
  const startedMs = atMs();
  let attempts = 0;
  setInterval(() => {
    // A busy machine's timers are late; a call's packets are not.
    for (; attempts * SEND_EVERY_MS <= atMs() - startedMs; attempts += 1) {
      socket.send('voice', port, host, (error) => {
        if (error) failed += 1;
        else sent += 1;
      });
    }
  }, SEND_EVERY_MS);
  setInterval(() => tell('tick', { sent, echoed, failed }), TICK_EVERY_MS);
}
