import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { geteuid } from 'node:process';
import { type ClientOptions, connectLocalApi } from '../../../../agent/local-api/client.ts';
import { LIMITS, type LocalApiLimits } from '../../../../agent/local-api/limits.ts';
import { type LocalApi, type LocalApiHandlers, type LocalApiOptions, listenLocalApi } from '../../../../agent/local-api/server.ts';
import type { ToldFault } from '../../../../agent/local-api/socket-fault.ts';
import type { CheckId, RuleId } from '../../../../contracts/finding.ts';
import type { GateStatus } from '../../../../contracts/gate.ts';
import { MAX_DAEMON_FRAME_BYTES, type Snapshot } from '../../../../contracts/local-api.ts';
import { localApiPath } from '../../../../contracts/local-link/address.ts';
import { CLIENT_DEADLINES, type LocalApiClient } from '../../../../contracts/local-link/connect.ts';
import { createFrameDecoder, encodeFrame } from '../../../../contracts/local-link/framing.ts';
import type { Verdict } from '../../../../contracts/verdict.ts';

export const OWN_UID = geteuid?.() ?? 0;
export const NOW = '2026-11-22T08:00:00.000Z';
export const daemonKeys = generateKeyPairSync('ed25519');

export const verdict: Verdict = {
  policy: { id: 'floor', revision: 3 },
  allowlist: { revision: 7 },
  standing: 'blocked',
  causes: [
    {
      rule: 'tls.handshake' as RuleId,
      check: 'tls.handshake' as CheckId,
      enforcement: 'block',
      explains: [],
      blocksAt: null,
      waiver: null,
    },
  ],
  undetermined: [],
  blocksAt: null,
  waivers: [],
  decidedAt: NOW,
  validUntil: NOW,
};

export const gate: GateStatus = {
  state: 'open',
  wouldBe: 'closed',
  sinceMs: 12.5,
  reason: 'blocked',
  drainEndsByMs: null,
  acting: false,
  notActingBecause: 'observe',
};

export const snapshot: Snapshot = {
  verdict,
  findings: [],
  gate,
  activity: { activity: 'unknown', byPrivileged: false, sources: [] },
  enforcers: [],
  releasedUntil: null,
  fleet: { state: 'not-enrolled', server: null, device: null, heardAt: null, trouble: null, waitingReports: 0 },
  policy: {
    signed: false,
    id: 'floor',
    revision: 3,
    instance: { alias: 'acme', region: 'us-west-2' },
    rules: [],
    gate: { onAgentLoss: 'open', maxDrainMs: 7_200_000 },
    quality: null,
    reporting: { fields: [] },
  },
  waivers: [],
  ccp: { url: 'https://acme.my.connect.aws/ccp-v2/', origins: ['https://acme.my.connect.aws'], loginOrigins: [] },
  session: { rules: [], turn: [] },
  allowlist: { revision: 7, createdAt: NOW },
  daemon: { version: '0.1.0', startedAt: NOW, epoch: '6b0c6f0c-6d3c-4e0a-9d0a-3f1f6f3b8c55' },
};

/** The same under a policy of that name. */
export function snapshotOf(policy: string): Snapshot {
  return { ...snapshot, policy: { ...snapshot.policy, id: policy } };
}

export const goodHandlers: LocalApiHandlers = {
  snapshot: async () => ({ ok: true, value: snapshot }),
  history: async () => ({ ok: true, value: { quality: [], standings: [], watched: [] } }),
  recheck: async () => ({ ok: true, value: undefined }),
  submitEvidence: async () => ({ ok: true, value: undefined }),
  acknowledgeWindow: async () => ({ ok: true, value: undefined }),
  reportActivity: async () => ({ ok: true, value: undefined }),
  release: async () => ({ ok: true, value: { until: NOW } }),
};

export interface StagedApi {
  api: LocalApi;
  dir: string;
  path: string;
  faults: ToldFault[];
  client(options?: Partial<ClientOptions>): Promise<LocalApiClient>;
  raw(): Promise<RawClient>;
}

export interface Stage {
  dir: string;
  listen(options?: Partial<Omit<LocalApiOptions, 'limits'>> & { limits?: Partial<LocalApiLimits> }): Promise<StagedApi>;
  close(): Promise<void>;
}

/** A directory that every user may pass, and what listens in it. */
export async function stageLocalApi(): Promise<Stage> {
  const parentDir = await mkdtemp(path.join(tmpdir(), 'deskwarden-api-'));
  await chmod(parentDir, 0o755);
  const dir = path.join(parentDir, 'run');
  const opened: (() => unknown)[] = [];
  return {
    dir,
    async listen({ limits, ...options } = {}) {
      const faults: ToldFault[] = [];
      const api = await listenLocalApi({
        dir,
        users: async () => [OWN_UID],
        handlers: () => goodHandlers,
        key: daemonKeys.privateKey,
        limits: { ...LIMITS, faultEveryMs: 0, ...limits },
        onFault: (fault) => faults.push(fault),
        ...options,
      });
      opened.push(() => api.close());
      const socketPath = localApiPath(options.dir ?? dir, OWN_UID);
      return {
        api,
        dir,
        path: socketPath,
        faults,
        async client(options) {
          const client = await connectLocalApi({ path: socketPath, deadlines: CLIENT_DEADLINES, ...options });
          opened.push(() => client.close());
          return client;
        },
        async raw() {
          const raw = await connectRaw(socketPath);
          opened.push(() => raw.socket.destroy());
          return raw;
        },
      };
    },
    async close() {
      for (const end of opened.reverse()) await end();
      await rm(parentDir, { recursive: true, force: true });
    },
  };
}

export interface RawClient {
  socket: Socket;
  /** Every message so far. */
  heard: unknown[];
  send(message: unknown): void;
  /** The first message that was not taken yet, or the end. */
  next(): Promise<unknown>;
  /** Milliseconds from the connect. */
  ended: Promise<number>;
}

/** Speaks frames and nothing else: what a stranger would write. */
function connectRaw(socketPath: string): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const startedMs = performance.now();
    const decoder = createFrameDecoder(MAX_DAEMON_FRAME_BYTES);
    const heard: unknown[] = [];
    let taken = 0;
    let isOver = false;
    let wake: () => void = () => {};
    const ended = new Promise<number>((resolve) => {
      socket.on('close', () => resolve(performance.now() - startedMs));
    });
    void ended.then(() => {
      isOver = true;
      wake();
    });
    const next = async () => {
      while (taken === heard.length && !isOver) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return taken === heard.length ? 'ended' : heard[taken++];
    };
    socket.on('data', (chunk: Uint8Array) => {
      for (const body of decoder.push(chunk).bodies) heard.push(JSON.parse(new TextDecoder().decode(body)));
      wake();
    });
    socket.on('error', reject);
    socket.on('connect', () =>
      resolve({
        socket,
        heard,
        ended,
        send: (message) => socket.write(frameOf(message)),
        next,
      }),
    );
  });
}

/** A frame of a JSON value, or of text that is none. */
export function frameOf(message: unknown): Uint8Array {
  const body = typeof message === 'string' ? message : JSON.stringify(message);
  return encodeFrame(new TextEncoder().encode(body));
}

export async function until(isSo: () => boolean, withinMs = 5_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`not so within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
