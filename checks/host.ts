import type { Vantage, Venue } from '../contracts/finding.ts';
import type { BlindCause } from '../contracts/outcome.ts';
import type {
  EndpointObservation,
  NameAnswer,
  PlainAnswer,
  TcpObservation,
  UdpExchange,
  UpgradeObservation,
} from './network/observations.ts';
import type { AudioDevice, MicrophoneLook, WebRtcLook } from './softphone/observations.ts';

export type Platform = 'win32' | 'darwin' | 'linux';

/** What a look gave. `seen: false` is "could not look", never "nothing there". */
export type Reading<T> = { seen: true; value: T } | { seen: false; cause: BlindCause; detail: string };

export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. */
  wallMs(): number;
  /** Monotonic clock, milliseconds from an arbitrary start; durations only. */
  monotonicMs(): number;
}

/** Where an address is asked for: a host name or an address, and a port. */
export interface HostPort {
  host: string;
  port: number;
}

/** One datagram of an exchange, and when it is due. */
export interface PlannedDatagram {
  atMs: number;
  bytes: Uint8Array;
}

export interface UdpPlan {
  /** Whose address it is, for progress; datagrams go to the address. */
  host: string;
  address: string;
  port: number;
  datagrams: readonly PlannedDatagram[];
  /** How long to listen, from the start. */
  listenMs: number;
  /**
   * Connected sockets alone are told of ICMP errors, unconnected ones alone see answers from a wrong source
   * (measured on Linux), so an exchange that must tell both uses `both`: each datagram leaves on each socket.
   */
  socket: 'connected' | 'unconnected' | 'both';
  /** Called on every datagram received; true ends the exchange early. Must not throw. */
  isEnough(received: Uint8Array, from: HostPort): boolean;
}

/**
 * The network as checks see it. Every call ends by its own named deadline with an observation, and never rejects.
 * Within one run the same question is asked once: callers share the answer.
 */
export interface Net {
  /** Configured resolvers and the operating system are both asked, since browsers use the latter (hosts file, NSS). */
  resolve(name: string, family: 4 | 6): Promise<NameAnswer>;
  /** TCP connect to every address of the host (bounded), on the direct path whatever the proxy. */
  connectDirect(target: HostPort): Promise<TcpObservation>;
  /** TCP, TLS and one HTTP request to a 443 endpoint, by the policy's proxy where it names one. */
  endpoint(target: HostPort): Promise<EndpointObservation>;
  /** Plain HTTP `GET /` on port 80, direct. */
  plain(host: string): Promise<PlainAnswer>;
  /** WebSocket upgrade over TLS, by the policy's proxy where it names one. */
  upgrade(target: HostPort, path: string): Promise<UpgradeObservation>;
  exchange(plan: UdpPlan): Promise<UdpExchange>;
  /** True when probes of this host on port 443 go through a proxy. */
  isProxied(host: string): boolean;
  /** Random bytes for transaction ids. */
  random(length: number): Uint8Array;
}

/** What this desk remembers of earlier runs. */
export interface Memory {
  /** True when this TURN host has answered this desk before. */
  turnAnswered(host: string): boolean;
}

interface AnyHost {
  readonly platform: Platform;
  readonly vantage: Vantage;
  readonly clock: Clock;
}

export interface DaemonHost extends AnyHost {
  readonly net: Net;
  readonly memory: Memory;
}

/** The microphone and what is beside it, as a page of the user's session sees them. Never rejects. */
export interface Media {
  /** Opens the microphone for a moment and closes it; its sound is never read. Null where pages have no media devices. */
  lookAtMicrophone(deadlineMs: number): Promise<MicrophoneLook | null>;
  /** Names are empty until a microphone was allowed. */
  devices(): Promise<AudioDevice[]>;
}

/** WebRTC of the user's session. Never rejects. */
export interface WebRtc {
  /** Makes an offer of an audio call, and gathers relay candidates from these servers with credentials that nobody knows. */
  lookAtPath(servers: readonly HostPort[], deadlineMs: number): Promise<WebRtcLook>;
}

export interface SessionHost extends AnyHost {
  readonly venue: 'session';
  readonly media: Media;
  readonly webrtc: WebRtc;
  /** TURN servers of the plan, which the page itself does not have. */
  readonly turn: readonly HostPort[];
}

export interface Hosts {
  daemon: DaemonHost;
  session: SessionHost;
}

export type { Vantage, Venue };
