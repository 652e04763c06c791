import Fastify, { type FastifyInstance } from 'fastify';
import type { Actor } from '../../../fleet/access/actor.ts';
import { appendAudit } from '../../../fleet/audit/append.ts';
import type { Db } from '../../../fleet/db/tenancy.ts';
import { mount } from '../../../fleet/http/frame.ts';
import type { Route } from '../../../fleet/http/route.ts';

export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: an answer of any route, which the frame has checked by its schema
  body: any;
}

export interface StagedConsole {
  app: FastifyInstance;
  faults: unknown[];
  call(actor: Actor, method: 'GET' | 'POST', url: string, body?: object): Promise<Answer>;
  close(): Promise<void>;
}

/** The routes in the server's own frame; who calls is told by a header, in place of a session. */
export async function stageConsole(db: Db, now: () => Date, routes: readonly Route[]): Promise<StagedConsole> {
  const actors = new Map<string, Actor>();
  const faults: unknown[] = [];
  const app = Fastify();
  mount(app, routes, {
    db,
    now,
    async identify(request) {
      const actor = actors.get(String(request.headers['x-test-actor']));
      if (!actor) throw new Error('no actor');
      return { tenant: actor.tenant, account: actor.account, session: null, mfaAt: null, device: null };
    },
    async actorOf(_, caller) {
      const actor = actors.get(caller.account ?? '');
      if (!actor) throw new Error('no actor');
      return actor;
    },
    appendAudit: (tx, tenant, record) => appendAudit(tx, tenant, record),
    onFault: (event) => void faults.push(event),
  });
  await app.ready();
  return {
    app,
    faults,
    async call(actor, method, url, body) {
      actors.set(actor.account, actor);
      const answer = await app.inject({ method, url, headers: { 'x-test-actor': actor.account }, ...(body && { payload: body }) });
      return { status: answer.statusCode, body: answer.json() };
    },
    close: () => app.close(),
  };
}
