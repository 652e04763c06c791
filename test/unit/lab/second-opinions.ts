import { missingTools, type NeededTool, toolPath } from '../../../build/debian-tools.ts';
import type { Lab } from '../../lab/with-lab.ts';
import { transportHost, webHosts } from '../../lab/world.ts';

// Other people's tools, run on the desk; where none shows the fact, a few lines of Node.

/** Of these, what the machine lacks. */
export function missingOpinions(): NeededTool[] {
  return missingTools('peers').filter(({ tool }) => ['openssl', 'turnutils_stunclient', 'turnutils_uclient', 'dig'].includes(tool));
}

/** Long enough for an answer inside one machine, short enough to wait for silence in every scenario. */
const SILENCE_MS = 700;

export async function tls(lab: Lab, host: string, ...options: string[]): Promise<string> {
  const place = ['-connect', `${webHosts[host]}:443`, '-servername', host, '-verify_hostname', host];
  const { code, stdout, stderr } = await lab.exec(
    [toolPath('openssl'), 's_client', '-CAfile', lab.rootPath, ...place, '-ign_eof', ...options],
    // `-ign_eof` stays until the server has answered and closed.
    { input: 'GET / HTTP/1.0\r\n\r\n', timeoutMs: 3 * SILENCE_MS },
  );
  return code === 124 ? 'silent' : stdout + stderr;
}

export async function stun(lab: Lab, address: string): Promise<'answered' | 'silent'> {
  // It has no time limit of its own, and does not see an ICMP error.
  const { code } = await lab.exec([toolPath('turnutils_stunclient'), '-p', '3478', address], { timeoutMs: SILENCE_MS });
  return code === 0 ? 'answered' : 'silent';
}

/** A wrong password: the server's refusal proves that it was reached, and takes no time. */
export async function allocate(lab: Lab, address: string): Promise<'refused' | 'icmp' | 'silent'> {
  const account = ['-u', 'nobody', '-w', 'wrong', '-n', '1', '-m', '1', '-y', '-c'];
  const { stdout, stderr, timedOut } = await lab.exec([toolPath('turnutils_uclient'), ...account, address], { timeoutMs: SILENCE_MS });
  if (timedOut) return 'silent';
  return (stdout + stderr).includes('Cannot complete Allocation') ? 'refused' : 'icmp';
}

export async function resolve(lab: Lab, host: string): Promise<string> {
  const { stdout } = await lab.exec([toolPath('dig'), '+tries=1', '+time=1', '+noall', '+answer', '+comments', host]);
  return /\sA\s+(\S+)/.exec(stdout)?.[1] ?? /status: (\w+)/.exec(stdout)?.[1] ?? 'silent';
}

export async function node(lab: Lab, script: string): Promise<string> {
  const { stdout, stderr } = await lab.exec([process.execPath, '-e', script], { timeoutMs: 5_000 });
  return (stdout + stderr).trim();
}

/** The first line and the headers of an answer to GET over plain TCP. */
export function http(lab: Lab, address: string, port: number, request: string): Promise<string> {
  return node(
    lab,
    `const s = require('net').connect(${port}, '${address}', () => s.write(${JSON.stringify(`${request}\r\n\r\n`)}));
     s.setTimeout(${SILENCE_MS}, () => { console.log('silent'); s.destroy(); });
     s.on('data', (d) => { process.stdout.write(d.toString().split('\\r\\n\\r\\n')[0]); s.destroy(); });
     s.on('error', (e) => console.log(e.code));`,
  );
}

export async function upgrade(lab: Lab): Promise<string> {
  const headers = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
  const request = ['GET / HTTP/1.1', `Host: ${transportHost}`, ...headers].join('\\r\\n');
  return node(
    lab,
    `const s = require('tls').connect({ host: '${webHosts[transportHost]}', port: 443, servername: '${transportHost}',
       ca: require('fs').readFileSync('${lab.rootPath}') }, () => s.write('${request}\\r\\n\\r\\n'));
     s.once('data', (d) => { console.log(d.toString());
       if (!d.toString().startsWith('HTTP/1.1 101')) return s.destroy();
       s.once('data', (f) => { console.log('closed with ' + f.toString('hex')); s.on('close', () => console.log('politely')); s.end(); });
       s.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8])); });`,
  );
}

/** Sends Bindings of this UDP payload and says how many were answered. */
export function train(lab: Lab, address: string, count: number, bytes: number): Promise<string> {
  const script = `const s = require('dgram').createSocket('udp4'); let seen = 0; s.on('message', () => { seen++; });
    const m = Buffer.alloc(${bytes}); m.writeUInt16BE(1, 0); m.writeUInt16BE(${bytes} - 20, 2); m.writeUInt32BE(0x2112a442, 4);
    m.writeUInt16BE(0x8022, 20); m.writeUInt16BE(${bytes} - 24, 22);
    let sent = 0; const t = setInterval(() => { m.writeUInt32BE(sent, 8); s.send(m, 3478, '${address}');
      if (++sent === ${count}) { clearInterval(t); setTimeout(() => { console.log(seen); process.exit(); }, 300); } }, 2);`;
  return node(lab, script);
}
