import type { Clock, DaemonHost, Net, Platform, UdpPlan, Vantage } from '../../checks/host.ts';
import type {
  EndpointObservation,
  NameAnswer,
  PlainAnswer,
  TcpObservation,
  UdpExchange,
  UpgradeObservation,
} from '../../checks/network/observations.ts';
import { fakeClock } from './fake-clock.ts';

/** What the network answers, by call: `resolve acme.my.connect.aws 4`, `endpoint acme.my.connect.aws:443`. */
export interface NetScript {
  [call: `resolve ${string}`]: NameAnswer;
  /** `connect host:port`: a TCP connect on the direct path. */
  [call: `connect ${string}`]: TcpObservation;
  [call: `endpoint ${string}`]: EndpointObservation;
  [call: `plain ${string}`]: PlainAnswer;
  /** `upgrade host/path`. */
  [call: `upgrade ${string}`]: UpgradeObservation;
  /** `exchange address:port`; a function when the answer depends on the datagrams, as with transaction ids. */
  [call: `exchange ${string}`]: UdpExchange | ((plan: UdpPlan) => UdpExchange);
}

interface FakeDaemonHostOptions {
  platform?: Platform;
  vantage?: Vantage;
  clock?: Clock;
  net?: NetScript;
  /** Hosts whose 443 probes go through a proxy. */
  proxied?: readonly string[];
  /** TURN hosts that have answered before. */
  turnAnswered?: readonly string[];
}

export interface FakeDaemonHost extends DaemonHost {
  /** Every call to the network, in order. */
  readonly calls: readonly string[];
}

/** Answers only what was scripted; any other call to the network rejects with `unscripted call: …`. */
export function fakeDaemonHost(options: FakeDaemonHostOptions = {}): FakeDaemonHost {
  const calls: string[] = [];
  return {
    platform: options.platform ?? 'linux',
    vantage: options.vantage ?? 'endpoint',
    clock: options.clock ?? fakeClock(),
    net: fakeNet(options, calls),
    memory: { turnAnswered: (host) => options.turnAnswered?.includes(host) ?? false },
    calls,
  };
}

function fakeNet({ net: script = {}, proxied = [] }: FakeDaemonHostOptions, calls: string[]): Net {
  const answer = async <T>(call: string, scripted: T | undefined): Promise<T> => {
    calls.push(call);
    if (scripted === undefined) throw new Error(`unscripted call: ${call}`);
    return scripted;
  };
  let drawn = 0;
  return {
    resolve(name, family) {
      const call = `resolve ${name} ${family}` as const;
      return answer(call, script[call]);
    },
    connectDirect({ host, port }) {
      const call = `connect ${host}:${port}` as const;
      return answer(call, script[call]);
    },
    endpoint({ host, port }) {
      const call = `endpoint ${host}:${port}` as const;
      return answer(call, script[call]);
    },
    plain(host) {
      const call = `plain ${host}` as const;
      return answer(call, script[call]);
    },
    upgrade({ host }, path) {
      const call = `upgrade ${host}/${path.replace(/^\//, '')}` as const;
      return answer(call, script[call]);
    },
    async exchange(plan) {
      const call = `exchange ${plan.address}:${plan.port}` as const;
      const scripted = await answer(call, script[call]);
      return typeof scripted === 'function' ? scripted(plan) : scripted;
    },
    isProxied: (host) => proxied.includes(host),
    /** Counts up, so that ids of one test differ and each run of it draws the same. */
    random: (length) => Uint8Array.from({ length }, () => drawn++ & 0xff),
  };
}
