import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import { toolPath } from '../../../build/debian-tools.ts';
import { issue, newKeyPem } from '../../servers/pki.ts';

export const CCP_HOST = 'acme.my.connect.aws';
export const LOGIN_HOST = 'login.example.com';
export const OTHER_HOST = 'other.example.com';
const hosts = [CCP_HOST, LOGIN_HOST, OTHER_HOST];

/** Appended to the key before hashing; RFC 6455 section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const BEAT_EVERY_MS = 50;

/** As Amazon's: a session cookie, a WebSocket, a call with the microphone over UDP and its sound, a sign-in, links to the customer's page. */
const ccp = (mediaPort: number) => `<!doctype html><title>CCP</title><h1>CCP</h1>
<a id="case" target="_blank" href="https://${OTHER_HOST}/case/1">case</a> <a id="away" href="https://${OTHER_HOST}/case/2">away</a>
<button id="login">Sign in</button>
<script>
  window.beats = 0;
  const socket = new WebSocket('wss://' + location.host + '/ws');
  socket.onmessage = () => { window.beats += 1; };
  document.querySelector('#login').onclick = () => window.open('https://${LOGIN_HOST}/sign-in', 'login', 'width=400,height=500');
  let call = null;
  window.startCall = async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const connection = new RTCPeerConnection();
    connection.addTrack(stream.getAudioTracks()[0], stream);
    await connection.setLocalDescription();
    const sdp = connection.localDescription.sdp.replace(/a=setup:actpass/g, 'a=setup:passive')
      .replace(/a=ice-ufrag:.*/g, 'a=ice-ufrag:abcd').replace(/a=ice-pwd:.*/g, 'a=ice-pwd:' + 'x'.repeat(24));
    await connection.setRemoteDescription({ type: 'answer', sdp });
    await connection.addIceCandidate({ candidate: 'candidate:1 1 udp 2130706431 127.0.0.1 ${mediaPort} typ host', sdpMid: '0', sdpMLineIndex: 0 });
    const sound = new Audio();
    sound.srcObject = stream;
    await sound.play();
    call = { stream, connection, sound };
  };
  window.stopCall = () => {
    call.sound.pause();
    call.connection.close();
    for (const track of call.stream.getTracks()) track.stop();
  };
</script>`;

const signIn = `<!doctype html><title>Sign in</title><form action="/answer"><button id="submit">Sign in</button></form>`;
const signedIn = `<!doctype html><title>Signed in</title><script>window.close()</script>`;

export interface SeenRequest {
  host: string;
  path: string;
  cookie: string;
}

export interface CcpSite {
  seen: SeenRequest[];
  /** Ends every request unanswered. */
  isDown: boolean;
  /** Where the CCP sends whoever is not signed in; null where it lets everybody in. */
  sendsTo: string | null;
  /** WebSockets that are open now. */
  sockets(): number;
  /** Packets of calls so far. */
  packets(): number;
  /** Chromium's switches by which it finds this site, has a microphone, and has no network else. */
  switches: string[];
  /** A home whose certificate database trusts this site. */
  browserHome: string;
  close(): Promise<void>;
}

/** A stand-in for the instance and its identity provider, over TLS on loopback. `dir` is for the browser's certificate database. */
export async function startCcpSite(dir: string): Promise<CcpSite> {
  const root = issue({ commonName: 'Tray Test Root', isCa: true }, newKeyPem());
  const leaf = issue({ commonName: CCP_HOST, names: hosts }, newKeyPem(), root);
  const browserHome = path.join(dir, 'browser-home');
  await trust(browserHome, root.certPem);
  const media = createSocket('udp4');
  let packets = 0;
  media.on('message', () => {
    packets += 1;
  });
  media.bind(0, '127.0.0.1');
  await once(media, 'listening');
  const page = ccp(media.address().port);

  const seen: SeenRequest[] = [];
  const open = new Set<Duplex>();
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    const { host = '', cookie = '' } = request.headers;
    const asked = { host, path: request.url?.split('?')[0] ?? '', cookie };
    seen.push(asked);
    if (site.isDown) return void request.socket.destroy();
    if (site.sendsTo !== null && asked.path === '/ccp-v2/') return void response.writeHead(302, { Location: site.sendsTo }).end();
    answer(asked, page, response);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => beat(request, socket, open));
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const site: CcpSite = {
    seen,
    isDown: false,
    sendsTo: null,
    sockets: () => open.size,
    packets: () => packets,
    switches: [
      `--host-resolver-rules=${hosts.map((host) => `MAP ${host} 127.0.0.1:${port}`).join(',')},MAP * ~NOTFOUND`,
      '--use-fake-device-for-media-stream',
      '--allow-loopback-in-peer-connection',
    ],
    browserHome,
    async close() {
      media.close();
      server.closeAllConnections();
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return site;
}

function answer({ host, path: asked }: SeenRequest, page: string, response: ServerResponse): void {
  response.setHeader('Content-Type', 'text/html');
  if (host === CCP_HOST && asked === '/ccp-v2/') return void response.end(page);
  if (host === LOGIN_HOST && asked === '/sign-in') return void response.end(signIn);
  if (host === LOGIN_HOST && asked === '/answer') {
    return void response.writeHead(302, { Location: `https://${CCP_HOST}/signed-in`, 'Set-Cookie': 'idp=1; Secure; Path=/' }).end();
  }
  if (host === CCP_HOST && asked === '/signed-in') {
    response.setHeader('Set-Cookie', 'session=1; Secure; HttpOnly; SameSite=None; Path=/');
    return void response.end(signedIn);
  }
  response.writeHead(404).end();
}

/** Sends a text frame every little while, for as long as the socket lives. */
function beat(request: IncomingMessage, socket: Duplex, open: Set<Duplex>): void {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${ACCEPT_SUFFIX}`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  open.add(socket);
  const timer = setInterval(() => socket.write(Buffer.from([0x81, 1, 0x2e])), BEAT_EVERY_MS);
  socket.on('error', () => {});
  socket.on('close', () => {
    open.delete(socket);
    clearInterval(timer);
  });
  socket.resume();
}

/** Chromium on Linux believes the roots of the NSS database in its user's home. */
export async function trust(home: string, rootPem: string): Promise<void> {
  const database = path.join(home, '.pki', 'nssdb');
  const rootPath = path.join(home, 'root.pem');
  await mkdir(database, { recursive: true });
  await writeFile(rootPath, rootPem);
  const certutil = (...args: string[]) => promisify(execFile)(toolPath('certutil'), ['-d', `sql:${database}`, ...args]);
  await certutil('-N', '--empty-password');
  await certutil('-A', '-n', 'root', '-t', 'C,,', '-i', rootPath);
}
