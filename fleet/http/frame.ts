import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { ACL_VERSION, type Actor } from '../access/actor.ts';
import { demandAtAll } from '../access/refusal.ts';
import type { AuditRecord } from '../audit/append.ts';
import { type Db, NIL_ID, type Tx } from '../db/tenancy.ts';
import type { DeviceIdentity } from '../enrolment/device-identity.ts';
import { answerText } from './answer-text.ts';
import { FleetFault } from './fault.ts';
import { parseJsonBodies } from './json-body.ts';
import { type OpenCalls, openCalls } from './open-calls.ts';
import type { AuditChange, AuditTarget, Route, Source } from './route.ts';
import { deviceCode, toFault } from './to-fault.ts';

export interface Caller {
  tenant: string;
  account: string | null;
  session: string | null;
  /** When a second factor was last shown in the session. */
  mfaAt: Date | null;
  device: DeviceIdentity | null;
}

export interface FrameDeps {
  db: Db;
  now: () => Date;
  /** Who calls, by what the connection and the headers show; nobody where nothing is shown. Refuses what is forged or kept out. */
  identify(request: FastifyRequest, route: Route | null): Promise<Caller>;
  /** With the rights that hold now. */
  actorOf(tx: Tx, caller: Caller): Promise<Actor>;
  appendAudit(tx: Tx, tenant: string, record: AuditRecord, source: Source): Promise<unknown>;
  /** Something that is our fault, with its error. */
  onFault(event: { requestId: string; route: string; error: unknown }): void;
}

/** What is known of a request that is being answered. */
interface Asked {
  caller: Caller;
  targets: AuditTarget[];
  change: { beforeHash?: string; afterHash?: string } | null;
  rule: string | null;
  route: string;
  batched: boolean;
  audited: boolean;
}

const nobody: Caller = { tenant: NIL_ID, account: null, session: null, mfaAt: null, device: null };

/** Mounts the routes: identifies, parses, opens the tenant's transaction, handles, audits in the same transaction, answers. */
export function mount(app: FastifyInstance, routes: readonly Route[], deps: FrameDeps): Pick<OpenCalls, 'settled'> {
  const asked = new WeakMap<FastifyRequest, Asked>();
  const calls = openCalls();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  parseJsonBodies(app);

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('cache-control', 'no-store');
    const route = routeOf(request);
    const entry: Asked = {
      caller: nobody,
      targets: [],
      change: null,
      rule: null,
      route: `${request.method} ${request.routeOptions.url ?? '*'}`,
      batched: route?.batched ?? false,
      audited: false,
    };
    asked.set(request, entry);
    // All else is answered without the frame.
    if (route !== null || request.is404) calls.begin(request);
    entry.caller = await deps.identify(request, route);
  });

  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path,
      config: { route },
      schema: {
        summary: route.summary,
        tags: [route.path.split('/')[3] ?? 'other'],
        ...(route.shapes.params && { params: route.shapes.params }),
        ...(route.shapes.query && { querystring: route.shapes.query }),
        ...(route.shapes.body && { body: route.shapes.body }),
        response: {
          [route.status]: route.type === null ? route.shapes.answer : { content: { [route.type]: { schema: route.shapes.answer } } },
        },
      },
      async handler(request, reply) {
        // What throws is refused, and over then.
        const answered = await answer(route, request, reply);
        calls.end(request);
        return answered;
      },
    });
  }

  app.setNotFoundHandler((request) => {
    throw new FleetFault('not-found', `no ${request.method} here`);
  });
  app.setErrorHandler((error, request, reply) => refuse(error, request, reply).finally(() => calls.end(request)));
  return calls;

  async function answer(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const entry = asked.get(request);
    if (!entry) throw new Error('a request without an entry');
    const now = deps.now();
    const { params, query, body } = request;
    if (route.batched) {
      const value = await route.handle({ device: entry.caller.device, body, now });
      entry.audited = true;
      return reply.code(route.status).send(value);
    }
    const { caller } = entry;
    // A call that is refused after all sets no cookie.
    const headers: [string, string][] = [];
    const scope = { tenant: caller.tenant, ...(caller.device && { instance: caller.device.instance }) };
    const text = await deps.db.within(scope, async (tx) => {
      const actor = await deps.actorOf(tx, caller);
      admit(route, caller, actor);
      const result = await route.handle({
        params,
        query,
        body,
        tx,
        actor,
        device: caller.device,
        now,
        source: sourceOf(request),
        requestId: request.id,
        headers: request.headers,
        audit(target: AuditTarget, change?: AuditChange) {
          // Named first, so that a refusal tells it, and again with its change.
          if (!entry.targets.some(({ type, id }) => type === target.type && id === target.id)) entry.targets.push(target);
          if (change) entry.change = { ...hashed('beforeHash', change.before), ...hashed('afterHash', change.after) };
        },
        decidedBy(rule: string) {
          entry.rule = rule;
        },
        attribute(tenant: string, account?: string) {
          entry.caller = { ...entry.caller, tenant, account: account ?? entry.caller.account };
        },
        header: (name: string, value: string) => void headers.push([name, value]),
      });
      // Here, so that an answer that is not as it is promised to be undoes what was done for it.
      const written = result instanceof Readable ? result : answerText(route, result);
      // In another tenant's chain only where the call itself found out whose it is: then in a transaction of that tenant.
      if (entry.caller.tenant === caller.tenant)
        await deps.appendAudit(tx, caller.tenant, recordOf(request, entry, route.status, null), sourceOf(request));
      return written;
    });
    for (const [name, value] of headers) reply.header(name, value);
    if (entry.caller.tenant !== caller.tenant) await auditApart(request, entry, route.status, null);
    entry.audited = true;
    reply.code(route.status);
    // Read while it is sent.
    if (text instanceof Readable) return reply.type(`${route.type}; charset=utf-8`).send(text);
    return text === null ? reply.send() : reply.type('application/json; charset=utf-8').send(text);
  }

  async function auditApart(request: FastifyRequest, entry: Asked, status: number, code: string | null): Promise<void> {
    const { tenant } = entry.caller;
    await deps.db.within({ tenant }, (tx) => deps.appendAudit(tx, tenant, recordOf(request, entry, status, code), sourceOf(request)));
  }

  async function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    let fault = toFault(error, request.method === 'GET');
    const entry = asked.get(request);
    if (fault.code === 'internal') deps.onFault({ requestId: request.id, route: entry?.route ?? '*', error });
    if (entry && !entry.audited) {
      entry.audited = true;
      if (fault.place.rule) entry.rule = fault.place.rule;
      try {
        await auditApart(request, entry, fault.status, fault.code);
      } catch (lost) {
        // What cannot be recorded is not answered as if it had been.
        deps.onFault({ requestId: request.id, route: entry.route, error: lost });
        fault = new FleetFault('unavailable', 'the call could not be recorded', { retryAfterSec: 30 });
      }
    }
    const { path, retryAfterSec } = fault.place;
    if (retryAfterSec !== undefined) reply.header('retry-after', String(retryAfterSec));
    if (fault.status === 401 || fault.code === 'slow-down') reply.header('connection', 'close');
    const isDevice = request.url.startsWith('/device/');
    const detail = path !== undefined && isDevice ? `${path}: ${fault.message}` : fault.message;
    reply.serializer(JSON.stringify);
    return reply
      .code(fault.status)
      .type('application/json')
      .send({
        error: {
          code: deviceCode(fault, isDevice),
          detail: detail.slice(0, 500),
          ...(path !== undefined && !isDevice && { path: path.slice(0, 500) }),
        },
      });
  }

  function recordOf(request: FastifyRequest, entry: Asked, status: number, code: string | null): AuditRecord {
    const { account, session, device } = entry.caller;
    return {
      eventId: randomUUID(),
      at: deps.now().toISOString(),
      actor: device
        ? { kind: 'device', id: device.device }
        : account
          ? { kind: 'account', id: account, ...(session && { session, mfa: entry.caller.mfaAt !== null }) }
          : { kind: 'nobody' },
      action: entry.route,
      status,
      ...(code !== null && { code }),
      targets: entry.targets,
      ...(entry.change && { change: entry.change }),
      ...(entry.rule !== null && { decision: { aclVersion: ACL_VERSION, rule: entry.rule } }),
      requestId: request.id,
    };
  }
}

function routeOf(request: FastifyRequest): Route | null {
  return (request.routeOptions.config as { route?: Route }).route ?? null;
}

function admit(route: Route, caller: Caller, actor: Actor): void {
  if (route.who === 'anyone') return;
  if (route.listener === 'device') {
    if (!caller.device) throw new FleetFault('not-enrolled', 'no client certificate');
    return;
  }
  if (!caller.account) throw new FleetFault('not-signed-in', 'sign in first');
  if (route.who === 'signed-in' && actor.mfaAt === null && actor.mfaRequired)
    throw new FleetFault('mfa-required', 'set up a second factor first');
  if (route.needs !== null) demandAtAll(actor, route.needs);
}

function sourceOf(request: FastifyRequest): Source {
  return { address: request.socket.remoteAddress ?? '', userAgent: String(request.headers['user-agent'] ?? '').slice(0, 300) };
}

function hashed<K extends string>(key: K, value: unknown): { [name in K]?: string } {
  if (value === undefined) return {};
  return { [key]: createHash('sha256').update(JSON.stringify(value)).digest('hex') } as { [name in K]?: string };
}
