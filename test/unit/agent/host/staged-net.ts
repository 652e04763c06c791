import { createNet, type NetOptions } from '../../../../agent/host/net.ts';
import type { Net } from '../../../../checks/host.ts';
import type { Plan } from '../../../../checks/plan.ts';
import { type DnsServer, dnsServer } from '../../../servers/dns.ts';
import { makePki, type Pki, sha256Of } from '../../../servers/pki.ts';

/** Short enough for tests, long enough for a loaded computer to finish a good handshake. */
export const SHORT = {
  resolverTryMs: 150,
  resolverMs: 600,
  systemLookupMs: 3_000,
  systemGraceMs: 300,
  connectMs: 700,
  tunnelMs: 700,
  handshakeMs: 900,
  httpMs: 700,
  plainMs: 900,
  endpointMs: 5_000,
};

export interface Staged {
  net: Net & { close(): Promise<void> };
  abort: AbortController;
  steps: string[];
  close(): Promise<void>;
}

export interface Stage {
  pki: Pki;
  dns: DnsServer;
  open(options?: Partial<NetOptions>, network?: Partial<Plan['network']>): Staged;
  close(): Promise<void>;
}

/** A resolver that knows `desk.example.test` on loopback, certificates, and nets that use both. */
export async function stage(hosts: Readonly<Record<string, readonly string[]>> = {}): Promise<Stage> {
  const pki = makePki();
  const dns = await dnsServer({ desk: ['127.0.0.1'], ...hosts });
  const opened: Staged[] = [];
  return {
    pki,
    dns,
    open(options = {}, network = {}) {
      const abort = new AbortController();
      const steps: string[] = [];
      const net = createNet({
        plan: planOf(pki, network),
        proxyEnv: {},
        signal: abort.signal,
        onStep: (endpoint, step, state, detail) => steps.push(`${endpoint} ${step} ${state} ${detail}`),
        deadlines: SHORT,
        resolverServers: [dns.server],
        systemLookup: false,
        ...options,
      });
      const staged = { net, abort, steps, close: () => net.close() };
      opened.push(staged);
      return staged;
    },
    async close() {
      await Promise.all(opened.map((staged) => staged.close()));
      await dns.close();
    },
  };
}

function planOf(pki: Pki, network: Partial<Plan['network']>): Plan {
  const { certPem } = pki.root;
  return {
    instance: { region: 'us-west-2', alias: 'acme', identity: 'non-saml', govCloud: false } as Plan['instance'],
    features: {} as Plan['features'],
    network: { proxy: 'none', turnAnswers: 'unknown', websocketAnswers: 'unknown', hosts: {}, optional: [], extraRoots: [], ...network },
    endpoints: [],
    skipped: [],
    allowlist: { revision: 1, createdAt: '2026-08-22T00:00:00Z' },
    roots: [{ name: 'Example Root', sha256: sha256Of(certPem), pem: certPem }],
    awsPrefixes: () => {
      throw new Error('no prefixes here');
    },
  };
}
