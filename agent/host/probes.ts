import type { HostPort } from '../../checks/host.ts';
import type {
  EndpointObservation,
  PlainAnswer,
  StepFailure,
  TcpObservation,
  TlsFacts,
  UpgradeObservation,
} from '../../checks/network/observations.ts';
import type { Limit } from './bounded.ts';
import type { AnchorFinder } from './certificate-chain.ts';
import { failureOf } from './fail-kind.ts';
import { getRoot, httpFacts, requestHead } from './http-exchange.ts';
import { addressesOf } from './name-resolver.ts';
import { type LineParts, type OpenLine, openLine, type Tell } from './open-line.ts';
import { connectAll, MOST_ATTEMPTS } from './tcp-connect.ts';
import { openSession, type SecureContexts, type Session, tlsFacts } from './tls-session.ts';
import { requestUpgrade } from './websocket-upgrade.ts';

export interface ProbeParts extends LineParts {
  contexts: SecureContexts;
  anchors: AnchorFinder;
}

export async function probeConnect(parts: ProbeParts, target: HostPort, tell: Tell): Promise<TcpObservation> {
  tell('dns', 'started', '');
  const names = await addressesOf(parts.resolve, target.host);
  const addresses = names.addresses.slice(0, MOST_ATTEMPTS);
  if (addresses.length === 0) {
    tell('dns', 'failed', names.code);
    return { attempts: [], failure: { step: 'dns', kind: 'name-unresolved', code: names.code } };
  }
  tell('dns', 'ok', addresses.join(' '));
  tell('tcp', 'started', '');
  const release = await parts.slots.take(addresses.length);
  const limit = { ms: parts.deadlines.connectMs, signal: parts.signal };
  const connecting = connectAll(addresses, target.port, limit, parts.clock, () => release(1));
  const first = await connecting.first;
  first?.socket.destroy();
  const attempts = await connecting.all;
  release();
  const failure = first ? null : (attempts[0]?.failure ?? null);
  tell('tcp', failure ? 'failed' : 'ok', failure?.code ?? first?.address ?? '');
  return { attempts, failure };
}

export async function probeEndpoint(parts: ProbeParts, target: HostPort, tell: Tell): Promise<EndpointObservation> {
  const line = await openLine(parts, target, tlsLimits(parts), tell);
  const observation: EndpointObservation = {
    ...target,
    path: line.path,
    address: line.address,
    attempts: [],
    failure: line.failure,
    handshakeMs: null,
    httpMs: null,
    tls: null,
    http: null,
  };
  try {
    const secured = await secure(parts, line, target.host, tell);
    observation.failure = secured.failure;
    observation.handshakeMs = secured.session?.handshakeMs ?? null;
    observation.tls = secured.tls;
    if (secured.session) {
      tell('http', 'started', '');
      const limit = line.budget.step(parts.deadlines.httpMs);
      const ending = await requestHead(secured.session.socket, getRoot(target.host, target.port, 443), limit, parts.clock);
      observation.failure = ending.ok ? null : failureOf('http', ending.error);
      observation.http = ending.ok ? httpFacts(ending.value) : null;
      observation.httpMs = ending.ok ? ending.value.tookMs : null;
      tell('http', ending.ok ? 'ok' : 'failed', ending.ok ? String(ending.value.status) : (observation.failure?.code ?? ''));
    }
    observation.attempts = await line.attempts;
    return observation;
  } finally {
    line.close();
  }
}

export async function probeUpgrade(parts: ProbeParts, target: HostPort, path: string, tell: Tell): Promise<UpgradeObservation> {
  tell('websocket', 'started', '');
  // The steps below are those of the endpoint's own probe, and told there.
  const line = await openLine(parts, target, tlsLimits(parts), () => {});
  const observation: UpgradeObservation = {
    host: target.host,
    path: line.path,
    failure: line.failure,
    status: null,
    acceptOk: false,
    server: null,
  };
  try {
    const { session, failure } = await secure(parts, line, target.host, () => {});
    observation.failure = failure;
    if (session) {
      const limit = line.budget.step(parts.deadlines.httpMs);
      Object.assign(observation, await requestUpgrade(session.socket, { ...target, path }, limit, parts.clock));
    }
  } finally {
    line.close();
  }
  const failed = observation.failure !== null || !observation.acceptOk;
  tell('websocket', failed ? 'failed' : 'ok', observation.failure?.code ?? String(observation.status));
  return observation;
}

export async function probePlain(parts: ProbeParts, target: HostPort, tell: Tell): Promise<PlainAnswer> {
  const { plainMs, connectMs } = parts.deadlines;
  const line = await openLine(parts, target, { leftMs: () => plainMs, connectMs, direct: true }, tell);
  const answer: PlainAnswer = { host: target.host, failure: line.failure, http: null };
  try {
    if (!line.socket) return answer;
    tell('http', 'started', '');
    const ending = await requestHead(line.socket, getRoot(target.host, target.port, 80), line.budget.step(plainMs), parts.clock);
    answer.failure = ending.ok ? null : failureOf('http', ending.error);
    answer.http = ending.ok ? httpFacts(ending.value) : null;
    tell('http', ending.ok ? 'ok' : 'failed', ending.ok ? String(ending.value.status) : (answer.failure?.code ?? ''));
    return answer;
  } finally {
    line.close();
  }
}

function tlsLimits({ deadlines }: ProbeParts) {
  return { leftMs: (namesMs: number) => deadlines.endpointMs - namesMs, connectMs: deadlines.connectMs, direct: false };
}

interface Secured {
  session: Session | null;
  tls: TlsFacts | null;
  failure: StepFailure | null;
}

/** The handshake; after a refusal of its version one more with obsolete versions allowed, to tell what the server can do. */
async function secure(parts: ProbeParts, line: OpenLine, host: string, tell: Tell): Promise<Secured> {
  if (!line.socket) return { session: null, tls: null, failure: line.failure };
  tell('tls', 'started', '');
  const limit = (): Limit => line.budget.step(parts.deadlines.handshakeMs);
  const done = (session: Session, neededLegacy: boolean): Secured => {
    const tls = tlsFacts(session.socket, host, parts.anchors, neededLegacy);
    tell('tls', 'ok', `${tls.protocol} ${Math.round(session.handshakeMs)} ms`);
    return { session, tls, failure: null };
  };
  const { clock, contexts } = parts;
  const modern = await openSession(line.socket, host, contexts.modern(), limit(), clock);
  if (modern.ok) return done(modern.value, false);
  const failure = failureOf('tls', modern.error);
  if (failure.kind === 'protocol-version') {
    const again = await line.reopen();
    const legacy = again && (await openSession(again, host, contexts.legacy(), limit(), clock));
    if (legacy?.ok) return done(legacy.value, true);
  }
  tell('tls', 'failed', failure.code);
  return { session: null, tls: null, failure };
}
