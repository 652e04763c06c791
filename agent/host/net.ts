import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { HostPort, Net, UdpPlan } from '../../checks/host.ts';
import type { FailKind, NameAnswer, StepFailure, UdpExchange } from '../../checks/network/observations.ts';
import type { Plan } from '../../checks/plan.ts';
import { createAnchorFinder } from './certificate-chain.ts';
import { systemClock } from './clock.ts';
import { DEADLINES, type Deadlines } from './deadlines.ts';
import { codeOf } from './fail-kind.ts';
import { createNameResolver } from './name-resolver.ts';
import type { Step, Tell } from './open-line.ts';
import { type ProbeParts, probeConnect, probeEndpoint, probePlain, probeUpgrade } from './probes.ts';
import { chooseProxy, type ProxyEnv } from './proxy-settings.ts';
import { createSlots } from './slots.ts';
import { createSystemLookup } from './system-lookup.ts';
import { createSecureContexts } from './tls-session.ts';
import { exchangeDatagrams } from './udp-exchange.ts';

export interface NetOptions {
  plan: Plan;
  /** HTTPS_PROXY and NO_PROXY as the environment has them. */
  proxyEnv: ProxyEnv;
  /** Ends everything. */
  signal: AbortSignal;
  /** `endpoint` is `host:port/protocol`. Each step's state is told once an endpoint. Must not throw. */
  onStep?: (endpoint: string, step: Step, state: 'started' | 'ok' | 'failed', detail: string) => void;
  /** Most sockets open at a time. */
  concurrency?: number;
  deadlines?: Partial<Deadlines>;
  /** Resolvers to ask instead of the computer's own, as `address` or `address:port`. */
  resolverServers?: readonly string[];
  /** False: the operating system is not asked for names. */
  systemLookup?: boolean;
  /** The entry of the process that asks the operating system, and Node's arguments for it. */
  systemLookupPath?: URL;
  systemLookupArgs?: readonly string[];
  /** Environment of that process; none by default. */
  env?: Readonly<Record<string, string | undefined>>;
  plainPort?: number;
}

/** Far below the usual limit of 1,024 open files, and few enough not to look like a port scan. */
const CONCURRENCY = 64;
/** As the progress contract allows. */
const LONGEST_DETAIL = 120;

/** The network of one run; `close` ends what still goes on, and the lookup process. */
export function createNet(options: NetOptions): Net & { close(): Promise<void> } {
  const ending = new AbortController();
  const { signal } = ending;
  // Every step listens for the end of the run.
  setMaxListeners(0, signal);
  const end = () => ending.abort();
  if (options.signal.aborted) end();
  options.signal.addEventListener('abort', end, { once: true });

  const clock = systemClock;
  const deadlines = { ...DEADLINES, ...options.deadlines };
  const slots = createSlots(options.concurrency ?? CONCURRENCY, signal);
  const { network, roots } = options.plan;
  const proxyFor = chooseProxy(network.proxy, options.proxyEnv);
  const system =
    options.systemLookup === false
      ? null
      : createSystemLookup({
          entry: options.systemLookupPath ?? new URL('./system-lookup-child.js', import.meta.url),
          execArgv: options.systemLookupArgs ?? [],
          env: options.env ?? {},
          deadlineMs: deadlines.systemLookupMs,
        });
  const resolver = createNameResolver({ servers: options.resolverServers ?? null, system, deadlines, signal, slots, clock });

  const running = new Set<Promise<unknown>>();
  const watch = <T>(work: Promise<T>): Promise<T> => {
    const watched = work.finally(() => running.delete(watched));
    running.add(watched);
    return watched;
  };
  const answers = new Map<string, Promise<unknown>>();
  /** The key names the question and the type of its answer. */
  const once = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const known = answers.get(key) as Promise<T> | undefined;
    if (known) return known;
    const asked = watch(ask());
    answers.set(key, asked);
    return asked;
  };

  const told = new Set<string>();
  const tellOf =
    (endpoint: string): Tell =>
    (step, state, detail) => {
      const key = `${endpoint} ${step} ${state}`;
      if (!options.onStep || told.has(key)) return;
      told.add(key);
      options.onStep(endpoint, step, state, detail.slice(0, LONGEST_DETAIL));
    };
  const tellTcp = ({ host, port }: HostPort) => tellOf(`${host}:${port}/tcp`);

  const resolve = (name: string, family: 4 | 6): Promise<NameAnswer> =>
    once(`resolve ${family} ${name.toLowerCase()}`, () => resolver.resolve(name, family));
  const parts: ProbeParts = {
    resolve,
    proxyFor,
    slots,
    clock,
    deadlines,
    signal,
    contexts: createSecureContexts(),
    anchors: createAnchorFinder([...roots.map((root) => root.pem), ...network.extraRoots]),
  };
  const pathTo = ({ host, port }: HostPort) => (proxyFor(host, port) ? 'proxy' : 'direct');

  return {
    resolve,
    connectDirect: (target) =>
      once(`connect ${keyOf(target)}`, () =>
        probeConnect(parts, target, tellTcp(target)).catch((error: unknown) => ({ attempts: [], failure: defect('tcp', error) })),
      ),
    endpoint: (target) =>
      once(`endpoint ${keyOf(target)}`, () =>
        probeEndpoint(parts, target, tellTcp(target)).catch((error: unknown) => ({
          ...target,
          path: pathTo(target),
          address: null,
          attempts: [],
          failure: defect('tls', error),
          handshakeMs: null,
          httpMs: null,
          tls: null,
          http: null,
        })),
      ),
    plain: (host) =>
      once(`plain ${host.toLowerCase()}`, () => {
        const target = { host, port: options.plainPort ?? 80 };
        return probePlain(parts, target, tellTcp(target)).catch((error: unknown) => ({ host, failure: defect('http', error), http: null }));
      }),
    upgrade: (target, path) =>
      once(`upgrade ${keyOf(target)} ${path}`, () =>
        probeUpgrade(parts, target, path, tellTcp(target)).catch((error: unknown) => ({
          host: target.host,
          path: pathTo(target),
          failure: defect('http', error),
          status: null,
          acceptOk: false,
          server: null,
        })),
      ),
    exchange: (plan) => watch(exchange(plan)),
    isProxied: (host) => proxyFor(host, 443) !== null,
    random: (length) => new Uint8Array(randomBytes(length)),
    async close() {
      end();
      options.signal.removeEventListener('abort', end);
      // At once, since a lookup that goes on may wait for its process to come up.
      const closed = system?.close();
      await Promise.allSettled([...running]);
      await closed;
    },
  };

  /** Not shared: what is enough is the caller's own question. One slot stands for both sockets of an exchange. */
  async function exchange(plan: UdpPlan): Promise<UdpExchange> {
    const release = await slots.take(1);
    const tell = tellOf(`${plan.host}:${plan.port}/udp`);
    tell('udp', 'started', '');
    const seen = await exchangeDatagrams(plan, signal, clock);
    release();
    const received = seen.events.filter((event) => event.kind === 'received').length + seen.dropped;
    tell('udp', received > 0 ? 'ok' : 'failed', received > 0 ? String(received) : 'silence');
    return seen;
  }
}

function keyOf({ host, port }: HostPort): string {
  return `${host.toLowerCase()}:${port}`;
}

/** What Node refused at once, such as a host name that no header can hold. */
function defect(step: StepFailure['step'], error: unknown): StepFailure {
  const kind: FailKind = 'other';
  return { step, kind, code: codeOf(error) };
}
