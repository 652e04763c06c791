import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { TicketAnswer, TicketRequest } from '../../../contracts/console/enrolment.ts';
import { DocumentsAnswer } from '../../../contracts/fleet-api.ts';
import type { VerificationKey } from '../../../contracts/signed-document.ts';
import { type Actor, nobodyIn, type Profile } from '../../../fleet/access/actor.ts';
import { permissions } from '../../../fleet/access/permission.ts';
import { type AuditRecord, appendAudit } from '../../../fleet/audit/append.ts';
import { createKeyring, type Keyring } from '../../../fleet/crypto/keyring.ts';
import { openLocalKeyProvider } from '../../../fleet/crypto/local-key-provider.ts';
import { type Db, NIL_ID, openDb } from '../../../fleet/db/tenancy.ts';
import type { Denied } from '../../../fleet/enrolment/abuse/abuse-guard.ts';
import { newKey } from '../../../fleet/enrolment/authority/authority.ts';
import { signingThread } from '../../../fleet/enrolment/authority/signing-thread.ts';
import { type Enrolment, type EnrolmentSettings, openEnrolment } from '../../../fleet/enrolment/enrolment.ts';
import { mount } from '../../../fleet/http/frame.ts';
import { createListener } from '../../../fleet/http/listener.ts';
import { deviceRoute } from '../../../fleet/http/route.ts';
import { fakeClock } from '../../fakes/fake-clock.ts';
import { addTenant, openTestDatabase } from '../database.ts';

export const DAY_MS = 24 * 60 * 60_000;

const signingKey: VerificationKey = { kid: 'fleet-1', x: Buffer.alloc(32, 7).toString('base64url') };

export interface Answered {
  status: number;
  headers: Record<string, unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: tests compare it with what they expect
  body: any;
}

export interface CallOptions {
  body?: unknown;
  credentials?: { certificate: string; key: string };
  headers?: Record<string, string>;
  /** Any of 127.0.0.0/8. */
  from?: string;
}

/** A server of the fleet, with pools of its own. */
export interface Replica {
  enrolment: Enrolment;
  keyring: Keyring;
  url: string;
  denied: Denied[];
  faults: unknown[];
  call(method: string, path: string, options?: CallOptions): Promise<Answered>;
  /** As somebody who signed in; by himself somebody who may do everything. */
  console(method: string, path: string, options?: { body?: unknown; actor?: Actor; tenant?: string }): Promise<Answered>;
  ticket(request?: Partial<TicketRequest>): Promise<TicketAnswer & { secret: string }>;
  close(): Promise<void>;
}

export interface StagedFleet {
  db: Db;
  tenant: string;
  instance: string;
  clock: ReturnType<typeof fakeClock>;
  now(): Date;
  replica(settings?: Partial<EnrolmentSettings>): Promise<Replica>;
  records(tenant?: string): Promise<AuditRecord[]>;
  close(): Promise<void>;
}

export function actorWith(tenant: string, profiles: readonly Partial<Profile>[] = [{}], more: Partial<Actor> = {}): Actor {
  const all = Object.keys(permissions) as (keyof typeof permissions)[];
  const full = { id: randomUUID(), name: 'All', isDefault: false, permissions: all, accessControl: null };
  const account = randomUUID();
  return { ...nobodyIn(tenant), kind: 'account', account, profiles: profiles.map((one) => ({ ...full, ...one })), ...more };
}

export async function stageFleet(): Promise<StagedFleet> {
  const database = await openTestDatabase();
  const { tenant, instance } = await addTenant(database.db, { alias: 'acme', region: 'us-west-2' });
  const keyDir = await mkdtemp(path.join(tmpdir(), 'deskwarden-enrolment-'));
  // Near the real time: TLS itself looks at no other clock.
  const clock = fakeClock(new Date(Math.floor(Date.now() / 1_000) * 1_000).toISOString());
  const now = () => new Date(clock.wallMs());
  const replicas: Replica[] = [];
  // One for all: making an RSA key takes long.
  const listenerKey = newKey();

  async function replica(settings: Partial<EnrolmentSettings> = {}): Promise<Replica> {
    const open = (name: string) => openDb({ url: database.appUrl, applicationName: name, max: 5, onError: () => undefined });
    const [db, keysDb] = [open('test-replica'), open('test-replica-keys')];
    const keyring = createKeyring({ provider: await openLocalKeyProvider({ dir: keyDir, clock: now }), db: keysDb, clock: now });
    const denied: Denied[] = [];
    const faults: unknown[] = [];
    const enrolment = await openEnrolment({
      db,
      keyring,
      now,
      signingKeys: async () => [signingKey],
      thread: signingThread(),
      onDenied: (one) => denied.push(one),
      onFault: (error) => faults.push(error),
      ...settings,
    });
    const { privateKey, spki } = await listenerKey;
    const { certificate: cert } = await enrolment.authority.issueServer(['localhost', '127.0.0.1'], spki, DAY_MS, now());
    const shown = { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
    const frame = {
      db,
      now,
      appendAudit: (...[tx, of, record]: [Parameters<typeof appendAudit>[0], string, AuditRecord, unknown]) => appendAudit(tx, of, record),
      onFault: ({ error }: { error: unknown }) => void faults.push(error),
    };

    const device = createListener('device', shown);
    const ping = deviceRoute({
      method: 'GET',
      path: '/device/v1/documents/:kind',
      summary: 'Something that only devices may ask for',
      who: 'device',
      answer: DocumentsAnswer,
      handle: async () => ({ schema: 1 as const, documents: [] }),
    });
    const ofDevices = enrolment.routes.filter((route) => route.listener === 'device');
    mount(device, [...ofDevices, ping], {
      ...frame,
      actorOf: async (_tx, caller) => nobodyIn(caller.tenant),
      identify: async (asked, route) => {
        const who = (route?.who ?? null) as 'anyone' | 'device' | 'expired-device' | null;
        const found = await enrolment.gate.admit({ socket: asked.raw.socket as TLSSocket, headers: asked.headers, who });
        return { tenant: found?.tenant ?? NIL_ID, account: null, session: null, mfaAt: null, device: found };
      },
    });
    await device.listen({ host: '127.0.0.1', port: 0 });
    const { port } = device.server.address() as AddressInfo;

    const actors = new Map<string, Actor>();
    const people = createListener('console', shown);
    mount(
      people,
      enrolment.routes.filter((route) => route.listener === 'console'),
      {
        ...frame,
        actorOf: async (_tx, caller) => actors.get(caller.account ?? '') ?? nobodyIn(caller.tenant),
        identify: async (asked) => {
          const actor = actors.get(String(asked.headers['x-test-account']));
          return { tenant: actor?.tenant ?? NIL_ID, account: actor?.account ?? null, session: null, mfaAt: null, device: null };
        },
      },
    );

    const made: Replica = {
      enrolment,
      keyring,
      url: `https://localhost:${port}`,
      denied,
      faults,
      call: (method, where, options = {}) => callOver(port, enrolment.authority.certificate, method, where, options),
      async console(method, where, { body, actor, tenant: of = tenant } = {}) {
        const who = actor ?? actorWith(of);
        actors.set(who.account, who);
        return injected(people, method, where, who.account, body);
      },
      async ticket(wanted = {}) {
        const body = { instance, approval: 'automatic', ...wanted };
        const answered = await made.console('POST', '/api/v1/tickets', { body });
        if (answered.status !== 201) throw new Error(JSON.stringify(answered.body));
        const answer = answered.body as TicketAnswer;
        return { ...answer, secret: answer.text.split('.')[1] ?? '' };
      },
      async close() {
        await device.close();
        await people.close();
        await enrolment.close();
        keyring.close();
        await db.end();
        await keysDb.end();
      },
    };
    replicas.push(made);
    return made;
  }

  return {
    db: database.db,
    tenant,
    instance,
    clock,
    now,
    replica,
    records: (of = tenant) =>
      database.db.within({ tenant: of }, async (tx) => {
        const rows = await tx.selectFrom('audit_record').select('record').orderBy('seq').execute();
        return rows.map(({ record }) => JSON.parse(record) as AuditRecord);
      }),
    async close() {
      for (const one of replicas) await one.close();
      await database.close();
      await rm(keyDir, { recursive: true, force: true });
    },
  };
}

async function injected(app: FastifyInstance, method: string, where: string, account: string, body: unknown): Promise<Answered> {
  const answer = await app.inject({
    method: method as 'GET',
    url: where,
    headers: { 'x-test-account': account },
    ...(body !== undefined && { payload: body as object }),
  });
  return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? null : answer.json() };
}

function callOver(
  port: number,
  ca: string,
  method: string,
  where: string,
  { body, credentials, headers, from }: CallOptions,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        method,
        path: where,
        ca,
        agent: false,
        ...(from !== undefined && { localAddress: from }),
        ...(credentials && { cert: credentials.certificate, key: credentials.key }),
        headers: { ...(payload && { 'content-type': 'application/json', 'content-length': payload.length }), ...headers },
      },
      (answer) => {
        const pieces: Buffer[] = [];
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('end', () => {
          const text = Buffer.concat(pieces).toString('utf8');
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text === '' ? null : JSON.parse(text) });
        });
      },
    );
    asked.on('error', reject);
    asked.end(payload);
  });
}
