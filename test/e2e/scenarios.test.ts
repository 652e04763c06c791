import { describe, expect, it } from 'vitest';
import { CheckDocument } from '../../contracts/report.ts';
import { type Lab, whyNoLab, withLab } from '../lab/with-lab.ts';
import { shippedCli } from './shipped-cli.ts';

/** Two re-probes of the longest probe, and a machine that is busy with other labs. */
const DEADLINE_MS = 60_000;
/** Labs at once: they mostly wait. */
const AT_ONCE = 5;

const why = whyNoLab();

interface Expected {
  exit: number;
  /** The first cause: its check, and its reason or the cause of its blindness. */
  check: string;
  reason: string;
  /** Of the first cause's arguments. */
  args?: object;
  /** Folded under the first cause. */
  explains?: readonly string[];
  /** Further causes. Nearly always none: one fault of the network is one cause. */
  others?: readonly string[];
}

const turnHosts = ['8d79b4466d82ad0e', 'dbc4ebb71307fda2', '13c884fe3673ed9f'].map((id) => `TurnNlb-${id}.elb.us-west-2.amazonaws.com`);
const acme = { hosts: 'acme.my.connect.aws', count: 1 };
const allTurn = { hosts: turnHosts.join(', '), count: 3 };

const table: Readonly<Record<string, Expected>> = {
  'udp-blocked': { exit: 1, check: 'network.turn-udp', reason: 'udp-blocked', args: allTurn, explains: ['network.media-quality'] },
  'udp-rejected': { exit: 1, check: 'network.turn-udp', reason: 'rejected', args: allTurn, explains: ['network.media-quality'] },
  'udp-blocked-unexpected': { exit: 4, check: 'network.turn-udp', reason: 'inconclusive' },
  'turn-silent': { exit: 4, check: 'network.turn-udp', reason: 'host-silent', args: { hosts: turnHosts[1], count: 1 } },
  'tcp-blocked': {
    exit: 1,
    check: 'network.allowlist-domains',
    reason: 'blocked',
    args: { hosts: 'participant.connect.us-west-2.amazonaws.com:443', count: 1 },
  },
  'dns-blocked': {
    exit: 1,
    check: 'network.dns',
    reason: 'no-answer',
    explains: ['network.allowlist-domains', 'network.captive-portal', 'network.turn-udp', 'network.websocket', 'tls.handshake'],
  },
  'dns-hijack': {
    exit: 1,
    check: 'network.dns',
    reason: 'outside-published-ranges',
    args: { addresses: '198.51.100.7' },
    explains: ['network.allowlist-domains', 'network.turn-udp', 'network.websocket', 'tls.handshake'],
  },
  'captive-portal': {
    exit: 1,
    check: 'network.captive-portal',
    reason: 'portal',
    args: { portal: 'portal.example.com' },
    explains: ['network.turn-udp', 'network.websocket', 'tls.handshake'],
  },
  'tls-intercepted': { exit: 1, check: 'tls.interception', reason: 'intercepted', args: { interceptor: 'Example Inspect', count: 9 } },
  'tls-intercepted-trusted': {
    exit: 1,
    check: 'tls.interception',
    reason: 'intercepted',
    args: { interceptor: 'Example Inspect', count: 9 },
  },
  expired: { exit: 1, check: 'tls.handshake', reason: 'expired', args: acme },
  'wrong-host': { exit: 1, check: 'tls.handshake', reason: 'wrong-host', args: acme },
  'self-signed': { exit: 1, check: 'tls.handshake', reason: 'self-signed', args: acme },
  'incomplete-chain': { exit: 1, check: 'tls.handshake', reason: 'incomplete-chain', args: acme },
  'old-tls': { exit: 1, check: 'tls.handshake', reason: 'old-protocol', args: acme },
  'no-forward-secrecy': { exit: 1, check: 'tls.handshake', reason: 'no-forward-secrecy', args: acme },
  'not-tls': { exit: 1, check: 'tls.handshake', reason: 'not-tls', args: acme },
  'sni-reset': { exit: 1, check: 'tls.handshake', reason: 'reset', args: acme },
  'websocket-stripped': {
    exit: 1,
    check: 'network.websocket',
    reason: 'upgrade-refused',
    args: { hosts: 'lab.transport.connect.us-west-2.amazonaws.com' },
  },
  'proxy-only': { exit: 1, check: 'network.turn-udp', reason: 'udp-blocked', args: allTurn },
  'clock-skew': { exit: 1, check: 'tls.clock-skew', reason: 'clock-behind' },
  'clock-skew-desk': { exit: 1, check: 'tls.clock-skew', reason: 'clock-ahead', explains: ['tls.handshake'] },
  // The resolver is on the link, so that names still resolve.
  'no-route': {
    exit: 1,
    check: 'network.allowlist-domains',
    reason: 'no-route',
    explains: ['tls.handshake'],
    others: ['network.turn-udp', 'network.captive-portal', 'network.egress-canary'],
  },
  'desk-firewall': { exit: 1, check: 'network.turn-udp', reason: 'blocked-on-desk', args: { ...allTurn, code: 'EPERM' } },
  'stun-only': { exit: 1, check: 'network.turn-udp', reason: 'no-turn' },
  tampered: { exit: 1, check: 'network.turn-udp', reason: 'tampered' },
  'canary-open': { exit: 4, check: 'network.egress-canary', reason: 'reachable', args: { hosts: 'canary.example.com:443' } },
  'turn-dns-blocked': { exit: 1, check: 'network.dns', reason: 'not-found', args: { count: 3 }, explains: ['network.turn-udp'] },
};

type Seen = Awaited<ReturnType<typeof check>>;

async function check(lab: Lab, ...options: string[]) {
  const { code, stdout, stderr, timedOut } = await lab.exec([...shippedCli, 'check', '--policy', lab.policyPath, '--json', ...options], {
    timeoutMs: DEADLINE_MS,
  });
  if (timedOut || stdout === '') throw new Error(`check gave no document, exit ${code}: ${stderr}`);
  const document = CheckDocument.parse(JSON.parse(stdout));
  const outcomeOf = (id: string) => document.findings.find((finding) => finding.check === id)?.outcome;
  const evidenceOf = (id: string) => document.findings.find((finding) => finding.check === id)?.evidence;
  return { code, document, outcomeOf, evidenceOf, causes: document.verdict.causes };
}

/** Timing matters here, so that these do not share the machine. */
describe.skipIf(why !== null)(`a desk alone on the machine${why === null ? '' : `: ${why}`}`, () => {
  it.each(['healthy', 'binding-silent'])('%s: clear', { timeout: DEADLINE_MS }, async (scenario) => {
    await withLab(scenario, async (lab) => {
      const { code, document } = await check(lab);
      const notGood = document.findings.filter(({ outcome }) => outcome.kind !== 'pass' && outcome.kind !== 'not-applicable');
      // Without answers to Bindings nothing can be said of quality, and that is noted, not held against the desk.
      const expected =
        scenario === 'healthy' ? [] : [{ check: 'network.media-quality', outcome: { kind: 'unknown', cause: 'inconclusive' } }];
      expect({ code, standing: document.verdict.standing, notGood }).toMatchObject({ code: 0, standing: 'clear', notGood: expected });
    });
  });

  it('lossy: measures what the firewall dropped, to the packet', { timeout: DEADLINE_MS }, async () => {
    await withLab('lossy', async (lab) => {
      const { code, causes, outcomeOf, evidenceOf } = await check(lab);
      const dropped = await lab.counter('loss');
      const { rttMs } = evidenceOf('network.media-quality') as { rttMs: (number | null)[] };
      expect(rttMs.filter((rtt) => rtt === null).length).toBe(dropped);
      expect(dropped).toBeGreaterThan(0);
      expect(code).toBe(4);
      expect(causes[0]?.check).toBe('network.media-quality');
      expect(outcomeOf('network.media-quality')).toMatchObject({ kind: 'degraded', reason: 'loss', args: { sent: 50, lost: dropped } });
    });
  });

  it('lossy: blocks when the policy says that so much loss does', { timeout: DEADLINE_MS }, async () => {
    await withLab('lossy', async (lab) => {
      const strict = '  - check: network.media-quality\n    params: { lossPercent: { warn: 1, fail: 2 } }\n';
      await lab.exec(['/bin/sh', '-c', 'cat >> "$LAB_POLICY"'], { input: strict });
      const { code, outcomeOf } = await check(lab, '--only', 'network.media-quality');
      expect([code, outcomeOf('network.media-quality')]).toMatchObject([1, { kind: 'fail', reason: 'loss' }]);
    });
  });
});

describe.skipIf(why !== null)(`scenarios${why === null ? '' : `: ${why}`}`, () => {
  const names = Object.keys(table);
  const seen = new Map<string, Promise<Seen>>();
  /** Raised a few at a time and once each; every test then reads its own. */
  function see(name: string): Promise<Seen> {
    const known = seen.get(name);
    if (known) return known;
    const before = names[names.indexOf(name) - AT_ONCE];
    const turn: Promise<void> = before === undefined ? Promise.resolve() : see(before).then(noop, noop);
    const result = turn.then(() => withLab(name, (lab) => check(lab)));
    result.catch(noop);
    seen.set(name, result);
    return result;
  }

  it('are all raised', { timeout: 5 * DEADLINE_MS }, async () => {
    const results = await Promise.allSettled(names.map(see));
    expect(results.filter((result) => result.status === 'rejected')).toEqual([]);
  });

  it.each(Object.entries(table))('%s', { timeout: 5 * DEADLINE_MS }, async (name, { exit, check: id, reason, args, explains, others }) => {
    const { code, causes, outcomeOf } = await see(name);
    const first = causes[0];
    const outcome = outcomeOf(first?.check ?? '');
    expect({ code, check: first?.check, outcome }).toMatchObject({
      code: exit,
      check: id,
      outcome: reason === 'inconclusive' ? { kind: 'unknown', cause: reason } : { reason, ...(args ? { args } : {}) },
    });
    expect(first?.explains).toEqual(expect.arrayContaining([...(explains ?? [])]));
    expect(causes.map((cause) => cause.check)).toEqual([id, ...(others ?? [])]);
  });

  it('proxy-only: every 443 check passes through the proxy', { timeout: 5 * DEADLINE_MS }, async () => {
    const { document, outcomeOf, evidenceOf } = await see('proxy-only');
    const through = [
      'network.allowlist-domains',
      'network.websocket',
      'network.captive-portal',
      'tls.handshake',
      'tls.interception',
      'tls.clock-skew',
    ];
    expect(through.map((id) => outcomeOf(id)?.kind)).toEqual(through.map(() => 'pass'));
    const { endpoints } = evidenceOf('network.allowlist-domains') as { endpoints: { path: string }[] };
    expect([...new Set(endpoints.map((endpoint) => endpoint.path))]).toEqual(['proxy']);
    expect(outcomeOf('network.dns')).toEqual({ kind: 'not-applicable', because: 'proxied' });
    expect(document.verdict.causes).toHaveLength(1);
  });

  it.each([
    ['clock-skew', 600],
    ['clock-skew-desk', -400 * 86_400],
  ])('%s: the offset is right within 2 s', { timeout: 5 * DEADLINE_MS }, async (name, offsetSeconds) => {
    const { outcomeOf } = await see(name);
    const outcome = outcomeOf('tls.clock-skew');
    if (outcome?.kind !== 'fail') throw new Error(`the clock was not found wrong: ${outcome?.kind}`);
    expect(Math.abs(Number(outcome.args.offsetSeconds) - offsetSeconds)).toBeLessThanOrEqual(2);
  });

  it('tls-intercepted-trusted: the handshake itself is fine', { timeout: 5 * DEADLINE_MS }, async () => {
    const { outcomeOf } = await see('tls-intercepted-trusted');
    expect(outcomeOf('tls.handshake')).toEqual({ kind: 'pass' });
  });
});

function noop(): void {}
