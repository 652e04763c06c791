import type { Socket } from 'node:net';
import type { Clock, HostPort } from '../../checks/host.ts';
import type { AddressAttempt, StepFailure } from '../../checks/network/observations.ts';
import { type Budget, startBudget } from './bounded.ts';
import type { Deadlines } from './deadlines.ts';
import { addressesOf, type NameResolver } from './name-resolver.ts';
import type { ProxyChooser } from './proxy-settings.ts';
import { openTunnel, unreachable } from './proxy-tunnel.ts';
import type { Slots } from './slots.ts';
import { connectAddress, connectAll, MOST_ATTEMPTS } from './tcp-connect.ts';

export type Step = 'dns' | 'proxy' | 'tcp' | 'tls' | 'http' | 'websocket' | 'udp';
export type Tell = (step: Step, state: 'started' | 'ok' | 'failed', detail: string) => void;

export interface LineParts {
  resolve: NameResolver['resolve'];
  proxyFor: ProxyChooser;
  slots: Slots;
  clock: Clock;
  deadlines: Deadlines;
  signal: AbortSignal;
}

/** An open connection to an endpoint, or why there is none. */
export interface OpenLine {
  path: 'direct' | 'proxy';
  address: string | null;
  socket: Socket | null;
  failure: StepFailure | null;
  /** Ends when every address has connected or failed. */
  attempts: Promise<AddressAttempt[]>;
  budget: Budget;
  /** Once more over the same way, for another handshake. */
  reopen(): Promise<Socket | null>;
  /** Closes the connection. */
  close(): void;
}

export interface OpenLimits {
  /** What is left for everything behind the name's resolution, given how long that took. */
  leftMs(namesMs: number): number;
  connectMs: number;
  direct: boolean;
}

export async function openLine(parts: LineParts, target: HostPort, limits: OpenLimits, tell: Tell): Promise<OpenLine> {
  const proxy = limits.direct ? null : parts.proxyFor(target.host, target.port);
  const path = proxy ? 'proxy' : 'direct';
  if (proxy && 'unusable' in proxy) return closedLine(parts, path, unreachable(proxy.unusable), tell);
  tell(proxy ? 'proxy' : 'dns', 'started', '');
  const next = proxy ?? target;
  const names = await addressesOf(parts.resolve, next.host);
  const addresses = names.addresses.slice(0, MOST_ATTEMPTS);
  if (addresses.length === 0) {
    const failure: StepFailure = proxy ? unreachable(names.code) : { step: 'dns', kind: 'name-unresolved', code: names.code };
    return closedLine(parts, path, failure, tell);
  }
  if (!proxy) {
    tell('dns', 'ok', addresses.join(' '));
    tell('tcp', 'started', '');
  }
  const release = await parts.slots.take(addresses.length);
  const { clock, deadlines } = parts;
  const budget = startBudget(clock, limits.leftMs(names.tookMs), parts.signal);
  const connecting = connectAll(addresses, next.port, budget.step(limits.connectMs), clock, () => release(1));
  const used: Socket[] = [];
  const line: OpenLine = {
    path,
    address: null,
    socket: null,
    failure: null,
    attempts: proxy ? Promise.resolve([]) : connecting.all,
    budget,
    reopen: () => Promise.resolve(null),
    close() {
      connecting.cancel();
      for (const socket of used) socket.destroy();
      release();
    },
  };
  const first = await connecting.first;
  if (!first) {
    const failed = (await connecting.all)[0]?.failure ?? { step: 'tcp', kind: 'other', code: '' };
    const failure = proxy ? unreachable(failed.code) : failed;
    tell(failure.step, 'failed', failure.code);
    return { ...line, failure };
  }
  const use = async (socket: Socket): Promise<StepFailure | null> => {
    used.push(socket);
    if (!proxy) return null;
    return openTunnel(socket, { ...target, authorization: proxy.authorization }, budget.step(deadlines.tunnelMs), clock);
  };
  const failure = await use(first.socket);
  if (proxy) tell('proxy', failure ? 'failed' : 'ok', failure?.code ?? '');
  else tell('tcp', 'ok', first.address);
  return {
    ...line,
    address: proxy ? null : first.address,
    socket: failure ? null : first.socket,
    failure,
    async reopen() {
      first.socket.destroy();
      const { socket } = await connectAddress(first.address, next.port, budget.step(limits.connectMs), clock);
      return socket && (await use(socket)) === null ? socket : null;
    },
  };
}

function closedLine(parts: LineParts, path: OpenLine['path'], failure: StepFailure, tell: Tell): OpenLine {
  tell(failure.step, 'failed', failure.code);
  return {
    path,
    address: null,
    socket: null,
    failure,
    attempts: Promise.resolve([]),
    budget: startBudget(parts.clock, 0, parts.signal),
    reopen: () => Promise.resolve(null),
    close: () => {},
  };
}
