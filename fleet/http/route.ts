import type { z } from 'zod';
import type { Actor } from '../access/actor.ts';
import type { Permission } from '../access/permission.ts';
import type { Tx } from '../db/tenancy.ts';
import type { DeviceIdentity } from '../enrolment/device-identity.ts';

export interface Source {
  /** Of the connection itself: headers that name another are not believed. */
  address: string;
  userAgent: string;
}

export interface AuditTarget {
  type: string;
  id: string;
}

/** What of a change is kept in the audit, as hashes. */
export interface AuditChange {
  before?: unknown;
  after?: unknown;
}

interface AnyCall<P, Q, B> {
  params: P;
  query: Q;
  body: B;
  /** The caller's tenant; of a call that nobody signed in for, the nil tenant. Committed once the answer is known. */
  tx: Tx;
  now: Date;
  source: Source;
  requestId: string;
  /** What the call is about. */
  audit(target: AuditTarget, change?: AuditChange): void;
  /** Which rule of access decided. */
  decidedBy(rule: string): void;
  /** In whose chain the call is recorded, where the caller's tenant was not known at first. */
  attribute(tenant: string, account?: string): void;
  header(name: string, value: string): void;
}

export interface ConsoleCall<P, Q, B> extends AnyCall<P, Q, B> {
  actor: Actor;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}
export interface DeviceCall<P, Q, B> extends AnyCall<P, Q, B> {
  device: DeviceIdentity;
}

type Shape = z.ZodType;
type Output<S extends Shape | undefined> = S extends Shape ? z.output<S> : undefined;

interface Spec<P extends Shape | undefined, Q extends Shape | undefined, B extends Shape | undefined, A extends Shape> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `:name` for a parameter. */
  path: string;
  summary: string;
  params?: P;
  query?: Q;
  body?: B;
  answer: A;
  /** Media type of the answer, where it is no JSON: then `handle` gives a stream. */
  type?: 'text/csv';
  /** Of success; 200 where it is not named. */
  status?: 200 | 201 | 202 | 204 | 302;
}

interface ConsoleSpec<P extends Shape | undefined, Q extends Shape | undefined, B extends Shape | undefined, A extends Shape>
  extends Spec<P, Q, B, A> {
  who: 'anyone' | 'signed-in' | 'second-factor-missing';
  /** Without it in any of the caller's profiles the call is refused before it is handled. */
  needs?: Permission;
  handle(call: ConsoleCall<Output<P>, Output<Q>, Output<B>>): Promise<z.input<A>>;
}

interface DeviceSpec<P extends Shape | undefined, Q extends Shape | undefined, B extends Shape | undefined, A extends Shape>
  extends Spec<P, Q, B, A> {
  who: 'device' | 'expired-device';
  handle(call: DeviceCall<Output<P>, Output<Q>, Output<B>>): Promise<z.input<A>>;
}

/** A call of a desk that has no certificate yet. */
interface UnknownDeviceSpec<P extends Shape | undefined, Q extends Shape | undefined, B extends Shape | undefined, A extends Shape>
  extends Spec<P, Q, B, A> {
  who: 'anyone';
  handle(call: AnyCall<Output<P>, Output<Q>, Output<B>>): Promise<z.input<A>>;
}

/** A call that is stored, and audited, together with others of its kind. */
interface BatchedSpec<B extends Shape, A extends Shape> extends Spec<undefined, undefined, B, A> {
  who: 'device';
  handle(call: { device: DeviceIdentity; body: z.output<B>; now: Date }): Promise<z.input<A>>;
}

/** A route with its types closed over: what the frame mounts. */
export interface Route {
  listener: 'console' | 'device';
  method: Spec<undefined, undefined, undefined, Shape>['method'];
  path: string;
  summary: string;
  who: 'anyone' | 'signed-in' | 'second-factor-missing' | 'device' | 'expired-device';
  needs: Permission | null;
  /** Handled without a transaction of its own; its acceptance is audited by the batch. */
  batched: boolean;
  status: number;
  type: 'text/csv' | null;
  shapes: { params?: Shape; query?: Shape; body?: Shape; answer: Shape };
  // biome-ignore lint/suspicious/noExplicitAny: the frame has parsed what it hands in by `shapes`, which the types above tie to `handle`
  handle(call: any): Promise<unknown>;
}

function close(
  listener: Route['listener'],
  spec: Spec<Shape | undefined, Shape | undefined, Shape | undefined, Shape> & Pick<Route, 'who' | 'handle'> & { needs?: Permission },
  batched: boolean,
): Route {
  const { method, path, summary, who, needs = null, status = 200, type = null, handle, params, query, body, answer } = spec;
  const shapes = { ...(params && { params }), ...(query && { query }), ...(body && { body }), answer };
  return { listener, method, path, summary, who, needs, batched, status, type, shapes, handle };
}

export function consoleRoute<
  A extends Shape,
  P extends Shape | undefined = undefined,
  Q extends Shape | undefined = undefined,
  B extends Shape | undefined = undefined,
>(spec: ConsoleSpec<P, Q, B, A>): Route {
  return close('console', spec, false);
}

export function deviceRoute<
  A extends Shape,
  P extends Shape | undefined = undefined,
  Q extends Shape | undefined = undefined,
  B extends Shape | undefined = undefined,
>(spec: DeviceSpec<P, Q, B, A> | UnknownDeviceSpec<P, Q, B, A>): Route {
  return close('device', spec, false);
}

export function batchedRoute<B extends Shape, A extends Shape>(spec: BatchedSpec<B, A>): Route {
  return close('device', spec, true);
}
