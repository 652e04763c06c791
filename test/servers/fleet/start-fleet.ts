import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { DocumentKind, SignedDocument } from '../../../contracts/signed-document.ts';
import { newSigner, type Signer, signed } from '../../unit/agent/store/signer.ts';
import { answerDevice, type DeviceApi, type Seen } from './device-api.ts';
import { type Approval, type DeviceRecord, type FleetState, openFleetState } from './fleet-state.ts';
import { type Misbehaviour, misbehave } from './misbehaviour.ts';

export interface FleetSettings {
  /** 0: any free one. */
  port?: number;
  /** The address to listen on. */
  host?: string;
  /** DNS names and IPv4 addresses of its certificate; the first is the one in `url`. */
  names?: readonly string[];
  /** Where it keeps what it must not forget; without it, nowhere. */
  dir?: string;
  now?: () => number;
  instance?: { alias: string; region: string };
  certificateLifeMs?: number;
  pendingRetrySec?: number;
}

export interface NewTicket {
  maxUses?: number;
  /** Wall clock, ms. */
  expiresAt?: number;
  approval?: Approval;
}

export interface Fleet {
  url: string;
  port: number;
  state: FleetState;
  seen: Seen;
  makeTicket(ticket?: NewTicket): string;
  devices(): readonly DeviceRecord[];
  approve(device: string): void;
  decline(device: string): void;
  revoke(device: string): void;
  reinstate(device: string): void;
  wantFull(device: string): void;
  publish(
    kind: DocumentKind,
    body: unknown,
    revision: number,
    to?: { device?: string; instance?: { alias: string; region: string } },
  ): SignedDocument;
  /** Signs with a new key from now on, and publishes the rotation. */
  rotate(kid: string, revision: number): Signer;
  /** What is sealed to this key is not taken any more. */
  refuseSealedTo(kid: string): void;
  /** Answers so, `times` times, on a path or on all; null: well again. */
  misbehave(path: string, how: Misbehaviour | null, times?: number): void;
  /** Nobody listens any more; what is open is cut. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

const WEEK_MS = 7 * 24 * 60 * 60_000;
const MAX_BODY_BYTES = 2 * 1024 * 1024;

/** A fleet server to test desks against: the device API alone, by the contract. */
export async function startFleet(settings: FleetSettings = {}): Promise<Fleet> {
  const { names = ['127.0.0.1', 'localhost'], host = '127.0.0.1', now = Date.now } = settings;
  const state = openFleetState(settings.dir, names);
  const api: DeviceApi = {
    state,
    now,
    seen: { requests: {}, misbehaved: 0, heartbeats: [], duplicates: 0, sequencesTaken: 0 },
    instance: settings.instance ?? { alias: 'acme', region: 'us-west-2' },
    certificateLifeMs: settings.certificateLifeMs ?? WEEK_MS,
    pendingRetrySec: settings.pendingRetrySec ?? 60,
    wantsFull: new Set(),
    formerKeys: new Set(),
  };
  const faults = new Map<string, { how: Misbehaviour; left: number }>();

  function takeFault(path: string): Misbehaviour | null {
    const key = [path, '*'].find((one) => faults.has(one));
    const fault = key === undefined ? undefined : faults.get(key);
    if (key === undefined || !fault) return null;
    fault.left -= 1;
    api.seen.misbehaved += 1;
    if (fault.left <= 0) faults.delete(key);
    return fault.how;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://fleet.example.com');
    const body = await readBody(request);
    const fault = takeFault(url.pathname);
    if (fault && fault.does !== 'cut') return misbehave(response, fault);
    const reply = answerDevice(api, { method: request.method ?? '', url, body, socket: request.socket as TLSSocket });
    if (fault) return misbehave(response, fault);
    response.writeHead(reply.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(reply.body));
  }

  const sockets = new Set<Duplex>();
  const { ca, server: own } = state;
  const server = createServer({ cert: own.certPem, key: own.keyPem, ca: ca.certPem, requestCert: true, rejectUnauthorized: false });
  server.on('request', (request, response) => {
    answer(request, response).catch(() => request.socket.destroy());
  });
  server.on('tlsClientError', () => {});
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  let port = settings.port ?? 0;
  const up = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  const down = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  await up();
  const address = server.address();
  port = typeof address === 'object' && address ? address.port : port;

  function deviceOf(id: string): DeviceRecord {
    const device = state.devices.find((one) => one.id === id);
    if (!device) throw new Error(`no device ${id}`);
    return device;
  }

  function setStatus(id: string, status: DeviceRecord['status']): void {
    deviceOf(id).status = status;
    state.save();
  }

  function publish(kind: DocumentKind, body: unknown, revision: number, to: Parameters<Fleet['publish']>[3] = {}): SignedDocument {
    const { device = null, instance = api.instance } = to;
    const document = signed(state.signer, { kind, revision, issuedAt: new Date(now()).toISOString(), instance }, body);
    state.published.push({ kind, revision, device, document });
    state.save();
    return document;
  }

  return {
    url: `https://${names[0]}:${port}`,
    port,
    state,
    seen: api.seen,
    makeTicket({ maxUses = 1, expiresAt = now() + WEEK_MS, approval = 'automatic' } = {}) {
      const secret = randomBytes(32).toString('base64url');
      state.tickets.push({ secret, maxUses, expiresAt, approval });
      state.save();
      const hash = createHash('sha256').update(new X509Certificate(ca.certPem).raw);
      const digest = hash.update(Buffer.from(state.root.x, 'base64url')).digest();
      return `dw1.${secret}.${digest.toString('base64url')}`;
    },
    devices: () => state.devices,
    approve: (device) => setStatus(device, 'enrolled'),
    decline: (device) => setStatus(device, 'refused'),
    revoke: (device) => setStatus(device, 'revoked'),
    reinstate: (device) => setStatus(device, 'enrolled'),
    wantFull: (device) => void api.wantsFull.add(device),
    publish,
    rotate(kid, revision) {
      const next = newSigner(kid);
      publish('keys', { schema: 1, revision, keys: [next.publicKey] }, revision);
      state.signer = next;
      state.save();
      return next;
    },
    refuseSealedTo: (kid) => void api.formerKeys.add(kid),
    misbehave(path, how, times = Number.POSITIVE_INFINITY) {
      if (how === null) faults.delete(path);
      else faults.set(path, { how, left: times });
    },
    up,
    down,
    close: () => (server.listening ? down() : Promise.resolve()),
  };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY_BYTES) throw new Error('too large');
    parts.push(part);
  }
  return size === 0 ? undefined : JSON.parse(Buffer.concat(parts).toString('utf8'));
}
