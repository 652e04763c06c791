/**
 * A fleet to test desks against, as a program. Prints one JSON line `{url, port, admin, ticket, ca, signingKey, pid}`, then obeys
 * the commands of `commands.ts`: a JSON line each on standard input, or the body of a POST to `admin` on loopback.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { obey } from './commands.ts';
import { startFleet } from './start-fleet.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    /** DNS names and IPv4 addresses of its certificate, with commas. */
    names: { type: 'string', default: '127.0.0.1,localhost' },
    dir: { type: 'string' },
    'admin-port': { type: 'string', default: '0' },
    'certificate-life-ms': { type: 'string' },
    'pending-retry-sec': { type: 'string' },
    alias: { type: 'string', default: 'acme' },
    region: { type: 'string', default: 'us-west-2' },
  },
});

const life = values['certificate-life-ms'];
const pending = values['pending-retry-sec'];
const fleet = await startFleet({
  port: Number(values.port),
  host: values.host,
  names: values.names.split(','),
  instance: { alias: values.alias, region: values.region },
  ...(values.dir === undefined ? {} : { dir: values.dir }),
  ...(life === undefined ? {} : { certificateLifeMs: Number(life) }),
  ...(pending === undefined ? {} : { pendingRetrySec: Number(pending) }),
});

async function answer(text: string): Promise<{ ok: boolean; text: string }> {
  try {
    return { ok: true, text: JSON.stringify({ ok: true, value: await obey(fleet, JSON.parse(text)) }) };
  } catch (error) {
    return { ok: false, text: JSON.stringify({ ok: false, error: String(error) }) };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += part;
  return text;
}

const admin = createServer(async (request, response) => {
  const { ok, text } = await answer(await bodyOf(request));
  response.writeHead(ok ? 200 : 400, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${text}\n`);
});
await new Promise<void>((resolve) => admin.listen(Number(values['admin-port']), '127.0.0.1', resolve));
const address = admin.address();
const adminPort = typeof address === 'object' && address ? address.port : 0;

const ticket = fleet.makeTicket({ maxUses: 1_000 });
const { ca, root } = fleet.state;
console.log(
  JSON.stringify({
    url: fleet.url,
    port: fleet.port,
    admin: `http://127.0.0.1:${adminPort}`,
    ticket,
    ca: ca.certPem,
    signingKey: root,
    pid: process.pid,
  }),
);

createInterface({ input: process.stdin }).on('line', (line) => {
  if (line.trim() !== '') void answer(line).then(({ text }) => console.log(text));
});

async function stop(): Promise<void> {
  admin.close();
  admin.closeAllConnections();
  await fleet.close();
  process.exit(0);
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
