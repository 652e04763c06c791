import { BlockList, isIPv4 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

export interface Metrics {
  registry: Registry;
  observe(listener: string, route: string, status: number, seconds: number): void;
  faults: Counter<'where'>;
  unreadable: Counter;
  sealedRefused: Counter;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'deskwarden_' });
  const duration = new Histogram({
    name: 'deskwarden_http_request_seconds',
    help: 'Time to answer a call, by its route',
    labelNames: ['listener', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  const faults = new Counter({
    name: 'deskwarden_faults_total',
    help: 'Errors that are our own fault',
    labelNames: ['where'],
    registers: [registry],
  });
  const unreadable = new Counter({
    name: 'deskwarden_unreadable_policies_total',
    help: 'Times that orders of a desk were not renewed, since this version cannot read its policy; the log names it',
    registers: [registry],
  });
  const sealedRefused = new Counter({
    name: 'deskwarden_sealed_fields_refused_total',
    help: 'Reports whose sealed fields were not stored, since they were sealed to no key of now (cse-key-invalid)',
    registers: [registry],
  });
  return {
    registry,
    faults,
    unreadable,
    sealedRefused,
    observe: (listener, route, status, seconds) => duration.observe({ listener, route, status: String(status) }, seconds),
  };
}

export interface HealthSettings {
  metrics: Metrics;
  /** Networks that may read the metrics, in CIDR notation. */
  metricsFrom: readonly string[];
  /** Null when calls can be answered, else why not. */
  notReady(): Promise<string | null>;
}

/** `/healthz`: the process answers. `/readyz`: it can do its work. `/metrics`: for Prometheus, from named networks alone. */
export function serveHealth(app: FastifyInstance, { metrics, metricsFrom, notReady }: HealthSettings): void {
  const allowed = new BlockList();
  for (const cidr of metricsFrom) {
    const [address = '', bits = ''] = cidr.split('/');
    allowed.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  const hidden = { schema: { hide: true } };
  app.get('/healthz', hidden, async (_request, reply) => reply.type('text/plain').serializer(String).send('ok\n'));
  app.get('/readyz', hidden, async (_request, reply) => {
    const because = await notReady();
    return reply
      .code(because === null ? 200 : 503)
      .type('text/plain')
      .serializer(String)
      .send(`${because ?? 'ok'}\n`);
  });
  app.get('/metrics', hidden, async (request, reply) => {
    const address = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    if (!allowed.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')) return reply.callNotFound();
    return reply
      .type(metrics.registry.contentType)
      .serializer(String)
      .send(await metrics.registry.metrics());
  });
}
