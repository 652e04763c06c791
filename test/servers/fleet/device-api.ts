import { createPublicKey, randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type DeviceFaultCode, EnrolRequest, Heartbeat, RenewRequest, type Revisions } from '../../../contracts/fleet-api.ts';
import { Report } from '../../../contracts/report.ts';
import { DocumentKind } from '../../../contracts/signed-document.ts';
import { isIssuedBy, issueClient, keyOfRequest } from './authority.ts';
import type { DeviceRecord, FleetState } from './fleet-state.ts';

export interface Reply {
  status: number;
  body: unknown;
}

export interface Seen {
  requests: Record<string, number>;
  /** Requests that were answered by what `misbehave` asked for. */
  misbehaved: number;
  heartbeats: Heartbeat[];
  /** Reports that came again under an id that was known. */
  duplicates: number;
  sequencesTaken: number;
}

export interface DeviceApi {
  state: FleetState;
  seen: Seen;
  now: () => number;
  instance: { alias: string; region: string };
  certificateLifeMs: number;
  pendingRetrySec: number;
  wantsFull: Set<string>;
  /** Ids of sealing keys of before: what is sealed to them is not taken. */
  formerKeys: Set<string>;
}

const RENEWABLE_MS = 90 * 24 * 60 * 60_000;

export function answerDevice(api: DeviceApi, request: { method: string; url: URL; body: unknown; socket: TLSSocket }): Reply {
  const { method, url, body, socket } = request;
  const route = `${method} ${url.pathname.replace(/(?<=\/documents\/).*/, ':kind')}`;
  api.seen.requests[route] = (api.seen.requests[route] ?? 0) + 1;
  if (route === 'GET /device/v1/trust') {
    return ok({ schema: 1, ca: api.state.ca.certPem, signingKeys: [api.state.root] });
  }
  if (route === 'POST /device/v1/enrol') return enrol(api, body);
  const device = authenticate(api, socket, route === 'POST /device/v1/renew');
  if ('status' in device && 'body' in device) return device;
  switch (route) {
    case 'POST /device/v1/renew':
      return renew(api, device, body);
    case 'POST /device/v1/heartbeat':
      return heartbeat(api, device, body);
    case 'POST /device/v1/reports':
      return report(api, device, body);
    case 'GET /device/v1/documents/:kind':
      return documents(api, device, url);
    default:
      return refuse(404, 'bad-request', route);
  }
}

const ok = (body: unknown): Reply => ({ status: 200, body });

function refuse(status: number, code: DeviceFaultCode, detail: string): Reply {
  return { status, body: { error: { code, detail } } };
}

function authenticate({ state, now }: DeviceApi, socket: TLSSocket, maybeExpired: boolean): DeviceRecord | Reply {
  const { raw } = socket.getPeerCertificate();
  if (!raw) return refuse(401, 'not-enrolled', 'no client certificate');
  const certificate = new X509Certificate(raw);
  if (!isIssuedBy(certificate, state.ca.certPem)) return refuse(401, 'not-enrolled', 'a certificate of another CA');
  const device = state.devices.find(({ id }) => certificate.subject === `CN=${id}`);
  if (!device) return refuse(401, 'not-enrolled', 'no such device');
  if (device.status === 'revoked') return refuse(403, 'revoked', 'this device was revoked');
  const pastMs = now() - Date.parse(certificate.validTo);
  if (pastMs > (maybeExpired ? RENEWABLE_MS : 0)) return refuse(401, 'not-enrolled', `expired on ${certificate.validTo}`);
  return device;
}

function enrol(api: DeviceApi, body: unknown): Reply {
  const asked = EnrolRequest.safeParse(body);
  if (!asked.success) return refuse(400, 'bad-request', asked.error.message.slice(0, 400));
  const { state, now } = api;
  const { secret, csr, hostName } = asked.data;
  const publicKeyPem = keyOfRequest(csr);
  if (publicKeyPem === null) return refuse(400, 'bad-request', 'the CSR is not signed by its key');
  const ticket = state.tickets.find((one) => one.secret === secret);
  let device = state.devices.find((one) => one.ticket === secret && one.publicKeyPem === publicKeyPem);
  if (!ticket) return refuse(403, 'ticket-refused', 'no such ticket');
  if (!device) {
    const uses = state.devices.filter((one) => one.ticket === secret).length;
    if (uses >= ticket.maxUses) return refuse(403, 'ticket-refused', 'used up');
    if (now() > ticket.expiresAt) return refuse(403, 'ticket-refused', 'expired');
    device = {
      id: randomUUID(),
      status: ticket.approval === 'automatic' ? 'enrolled' : 'pending',
      ticket: secret,
      publicKeyPem,
      certificate: null,
      hostName,
      releaseSecret: randomBytes(20).toString('base64url'),
      enrolledAt: new Date(now()).toISOString(),
    };
    state.devices.push(device);
  }
  if (device.status === 'refused' || device.status === 'revoked') return refuse(403, 'ticket-refused', 'declined');
  if (device.status === 'enrolled') device.certificate ??= certificateOf(api, device);
  state.save();
  if (device.certificate === null) return ok({ schema: 1, status: 'pending', retryAfterSec: api.pendingRetrySec });
  return ok({
    schema: 1,
    status: 'enrolled',
    device: device.id,
    instance: api.instance,
    certificate: device.certificate,
    releaseSecret: device.releaseSecret,
  });
}

function certificateOf({ state, now, certificateLifeMs }: DeviceApi, { publicKeyPem, id }: DeviceRecord): string {
  const notBefore = new Date(now() - 60_000);
  return issueClient(state.ca, publicKeyPem, id, { notBefore, notAfter: new Date(now() + certificateLifeMs) });
}

function renew(api: DeviceApi, device: DeviceRecord, body: unknown): Reply {
  const asked = RenewRequest.safeParse(body);
  if (!asked.success) return refuse(400, 'bad-request', asked.error.message.slice(0, 400));
  const wanted = keyOfRequest(asked.data.csr);
  const same = wanted !== null && createPublicKey(wanted).equals(createPublicKey(device.publicKeyPem));
  if (!same) return refuse(400, 'bad-request', 'for another key');
  device.certificate = certificateOf(api, device);
  api.state.save();
  return ok({ schema: 1, certificate: device.certificate });
}

function latestFor({ state }: DeviceApi, device: string): Revisions {
  const latest = { policy: 0, allowlist: 0, waivers: 0, sealing: 0, keys: 0 };
  for (const one of state.published) {
    if (one.device === null || one.device === device) latest[one.kind] = Math.max(latest[one.kind], one.revision);
  }
  return latest;
}

function heartbeat(api: DeviceApi, device: DeviceRecord, body: unknown): Reply {
  const said = Heartbeat.safeParse(body);
  if (!said.success) return refuse(400, 'bad-request', said.error.message.slice(0, 400));
  api.seen.heartbeats.push(said.data);
  return ok({
    schema: 1,
    serverTime: new Date(api.now()).toISOString(),
    latest: latestFor(api, device.id),
    wantFull: api.wantsFull.delete(device.id),
  });
}

function report({ state, seen, formerKeys }: DeviceApi, device: DeviceRecord, body: unknown): Reply {
  const said = Report.safeParse(body);
  if (!said.success) return refuse(400, 'bad-request', said.error.message.slice(0, 400));
  const { id, epoch, seq, sealed } = said.data;
  if (said.data.device !== device.id) return refuse(403, 'bad-request', 'of another device');
  if (state.reports.some((one) => one.id === id)) seen.duplicates += 1;
  else if (state.reports.some((one) => one.device === device.id && one.epoch === epoch && one.seq === seq)) {
    seen.sequencesTaken += 1;
    return refuse(409, 'sequence-taken', `${epoch} ${seq}`);
  } else state.keepReport({ id, device: device.id, epoch, seq, report: said.data });
  const isFormer = sealed !== null && formerKeys.has(kidOf(sealed));
  return ok({ schema: 1, accepted: true, sealedFault: isFormer ? 'cse-key-invalid' : null });
}

function kidOf(jwe: string): string {
  const header = JSON.parse(Buffer.from(jwe.split('.')[0] ?? '', 'base64url').toString()) as { kid: string };
  return header.kid;
}

function documents({ state }: DeviceApi, device: DeviceRecord, url: URL): Reply {
  const kind = DocumentKind.safeParse(url.pathname.split('/').at(-1));
  if (!kind.success) return refuse(404, 'bad-request', 'no such kind');
  const after = Number(url.searchParams.get('after') ?? 0);
  const newer = state.published
    .filter((one) => one.kind === kind.data && one.revision > after && (one.device === null || one.device === device.id))
    .sort((a, b) => a.revision - b.revision)
    .map(({ document }) => document);
  return ok({ schema: 1, documents: kind.data === 'keys' ? newer : newer.slice(-1) });
}
