import type { DeskHistory } from '../../../contracts/desk-history.ts';
import { CheckId, type Finding, RuleId } from '../../../contracts/finding.ts';
import type { GateStatus } from '../../../contracts/gate.ts';
import type { DeskView } from '../../../contracts/ipc.ts';
import type { Snapshot } from '../../../contracts/local-api.ts';
import type { Outcome } from '../../../contracts/outcome.ts';
import type { Cause, Verdict } from '../../../contracts/verdict.ts';

export const NOW = new Date('2026-03-03T10:20:00.000Z');
export const at = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000).toISOString();
export const checkId = (id: string) => CheckId.parse(id);
export const ruleId = (id: string) => RuleId.parse(id);

const turnHost = 'turnnlb-d76454ac48d20c1e.elb.us-west-2.amazonaws.com';
const uuid = '0a0f4f5e-2f5b-4c39-9f0e-7c2c4fbd3f5b';

export function finding(check: string, outcome: Outcome, more: Partial<Finding> = {}): Finding {
  return {
    rule: ruleId(check),
    check: checkId(check),
    revision: 1,
    venue: 'daemon',
    vantage: 'endpoint',
    outcome,
    evidence: { host: turnHost, answers: ['203.0.113.7'], tcp: { connectedMs: 21, error: null } },
    partial: false,
    observedAt: at(-2),
    since: at(-14),
    lastPassAt: at(-16),
    badForMs: 0,
    goodRuns: 3,
    tookMs: 120,
    ...more,
  };
}

export const noRoute = finding('network.turn-udp', { kind: 'fail', reason: 'no-route', args: { hosts: turnHost, code: 'ENETUNREACH' } });
export const behind = finding('tls.clock-skew', {
  kind: 'fail',
  reason: 'clock-behind',
  args: { duration: '7 min', sources: 'acme.my.connect.aws' },
});
const intercepted = finding('tls.interception', {
  kind: 'fail',
  reason: 'intercepted',
  args: { interceptor: 'Example Proxy', count: 1, of: 6, issuer: 'Example Proxy CA', hosts: 'acme.my.connect.aws' },
});
const noQuality = finding('network.media-quality', { kind: 'unknown', cause: 'inconclusive', detail: `${turnHost} answered no Binding` });
const pass = (check: string) => finding(check, { kind: 'pass' });

const good = [
  'network.allowlist-domains',
  'network.allowlist-freshness',
  'network.captive-portal',
  'network.dns',
  'network.media-quality',
  'network.region-latency',
  'network.turn-udp',
  'network.websocket',
  'tls.clock-skew',
  'tls.handshake',
  'tls.interception',
].map(pass);
const canary = finding('network.egress-canary', { kind: 'not-applicable', because: 'not-configured' });

export function withFindings(...changed: Finding[]): Finding[] {
  const names = new Set(changed.map(({ rule }) => rule));
  return [...good.filter(({ rule }) => !names.has(rule)), canary, ...changed];
}

export function cause(check: string, more: Partial<Cause> = {}): Cause {
  return { rule: ruleId(check), check: checkId(check), enforcement: 'block', explains: [], blocksAt: null, waiver: null, ...more };
}

export function verdict(standing: Verdict['standing'], more: Partial<Verdict> = {}): Verdict {
  return {
    policy: { id: 'floor', revision: 3 },
    allowlist: { revision: 12 },
    standing,
    causes: [],
    undetermined: [],
    blocksAt: null,
    waivers: [],
    decidedAt: at(-1),
    validUntil: at(14),
    ...more,
  };
}

export function gate(state: GateStatus['state'], reason: GateStatus['reason'], more: Partial<GateStatus> = {}): GateStatus {
  return { state, wouldBe: state, sinceMs: 0, reason, drainEndsByMs: null, acting: true, notActingBecause: null, ...more };
}

const blockAll = { fail: 'block', degraded: 'warn', unknown: 'note' } as const;

const snapshot: Snapshot = {
  verdict: verdict('clear'),
  findings: withFindings(),
  gate: gate('open', 'clear'),
  activity: { activity: 'idle', byPrivileged: true, sources: ['media-packets', 'microphone'] },
  enforcers: [],
  releasedUntil: null,
  fleet: { state: 'enrolled', server: 'https://fleet.example.com', device: uuid, heardAt: at(-3), trouble: null, waitingReports: 0 },
  policy: {
    signed: true,
    id: 'floor',
    revision: 3,
    instance: { alias: 'acme', region: 'us-west-2' },
    rules: [...good, canary].map(({ rule, check }) => ({ id: rule, check, on: blockAll })),
    gate: { onAgentLoss: 'open', maxDrainMs: 7_200_000 },
    quality: {
      mos: { warn: 3.8, fail: 3.4 },
      rttMs: { warn: 300, fail: 500 },
      jitterMs: { warn: 30, fail: 60 },
      lossPercent: { warn: 1, fail: 5 },
    },
    reporting: { fields: [] },
  },
  waivers: [],
  ccp: { url: 'https://acme.my.connect.aws/ccp-v2/', origins: ['https://acme.my.connect.aws'], loginOrigins: [] },
  session: { rules: [], turn: [] },
  allowlist: { revision: 12, createdAt: '2026-02-20T00:00:00.000Z' },
  daemon: { version: '0.1.0', startedAt: at(-300), epoch: uuid },
};

export function desk(told: Partial<Snapshot> | null, more: Partial<DeskView> = {}): DeskView {
  return {
    link: 'connected',
    snapshot: told === null ? null : { ...snapshot, ...told },
    heardAt: told === null ? null : at(0),
    looking: [],
    ccp: 'open',
    ccpTrouble: null,
    locale: { choice: 'auto', inUse: 'en' },
    app: { version: '0.1.0', platform: 'win32' },
    ...more,
  };
}

const waivers: Snapshot['waivers'] = [
  {
    id: uuid,
    rule: ruleId('tls.clock-skew'),
    reason: 'The time server moves this week',
    grantedBy: 'it@example.com',
    until: at(3_200),
  },
];
const blockedVerdict = verdict('blocked', {
  causes: [
    cause('tls.interception'),
    cause('network.turn-udp', { explains: [ruleId('network.media-quality')] }),
    cause('tls.clock-skew', { enforcement: 'warn', waiver: uuid }),
  ],
  waivers: [uuid],
});
const blockedFindings = withFindings(noRoute, intercepted, behind, noQuality);
const observe: Partial<GateStatus> = { acting: false, notActingBecause: 'observe' };
const notEnrolled: Partial<GateStatus> = { acting: false, notActingBecause: 'not-enrolled' };
const fleetOf = (state: Snapshot['fleet']['state']): Snapshot['fleet'] => ({
  ...snapshot.fleet,
  state,
  ...(state === 'not-enrolled' && { server: null, device: null, heardAt: null }),
});
const soon = verdict('caution', { causes: [cause('network.turn-udp', { blocksAt: at(12) })], blocksAt: at(12) });

/** Every state of the first screen. */
export const states = {
  clear: desk({}),
  caution: desk({
    verdict: verdict('caution', { causes: [cause('tls.clock-skew', { enforcement: 'warn', waiver: uuid })], waivers: [uuid] }),
    waivers,
    findings: withFindings(behind),
    gate: gate('open', 'caution'),
  }),
  countdown: desk({ verdict: soon, findings: withFindings(noRoute), gate: gate('open', 'caution') }),
  'countdown-observe': desk({ verdict: soon, findings: withFindings(noRoute), gate: gate('open', 'caution', observe) }),
  blocked: desk({ verdict: blockedVerdict, waivers, findings: blockedFindings, gate: gate('closed', 'blocked') }, { ccp: 'blocked' }),
  'drain-expired': desk(
    { verdict: blockedVerdict, waivers, findings: blockedFindings, gate: gate('closed', 'drain-expired') },
    { ccp: 'blocked' },
  ),
  draining: desk(
    {
      verdict: blockedVerdict,
      waivers,
      findings: blockedFindings,
      gate: gate('draining', 'blocked'),
      activity: { activity: 'on-call', byPrivileged: true, sources: ['media-packets'] },
    },
    { ccp: 'banner' },
  ),
  'draining-unknown': desk(
    {
      verdict: blockedVerdict,
      waivers,
      findings: blockedFindings,
      gate: gate('draining', 'blocked'),
      activity: { activity: 'unknown', byPrivileged: false, sources: ['microphone'] },
    },
    { ccp: 'banner' },
  ),
  observe: desk({
    verdict: blockedVerdict,
    waivers,
    findings: blockedFindings,
    gate: gate('open', 'blocked', { ...observe, wouldBe: 'closed' }),
  }),
  undetermined: desk({
    verdict: verdict('undetermined', { undetermined: [ruleId('network.media-quality')] }),
    findings: withFindings(noQuality),
    gate: gate('open', 'undetermined-grace'),
  }),
  'undetermined-closed': desk(
    {
      verdict: verdict('undetermined', { undetermined: [ruleId('network.media-quality')] }),
      findings: withFindings(noQuality),
      gate: gate('closed', 'undetermined'),
    },
    { ccp: 'blocked' },
  ),
  released: desk({ verdict: blockedVerdict, waivers, findings: blockedFindings, gate: gate('open', 'released'), releasedUntil: at(48) }),
  'first-look': desk({ verdict: null, findings: [], gate: gate('open', 'undetermined-grace') }),
  unreachable: desk(
    {},
    { ccp: 'unreachable', ccpTrouble: { kind: 'cannot-load', host: 'acme.my.connect.aws', error: 'ERR_NAME_NOT_RESOLVED' } },
  ),
  'sign-in-refused': desk({}, { ccp: 'unreachable', ccpTrouble: { kind: 'not-in-policy', host: 'login.example.com' } }),
  'closing-without-daemon': desk(
    { policy: { ...snapshot.policy, gate: { onAgentLoss: 'closed', maxDrainMs: 7_200_000 } } },
    { link: 'absent', heardAt: at(-4), ccp: 'banner' },
  ),
  connecting: desk(null, { link: 'connecting', ccp: 'not-open' }),
  'no-daemon': desk(null, { link: 'absent', ccp: 'not-open' }),
  reconnecting: desk({}, { link: 'reconnecting', heardAt: at(-4) }),
  'not-the-daemon': desk(null, { link: 'not-the-daemon', ccp: 'not-open' }),
  'not-enrolled': desk({ verdict: null, findings: [], fleet: fleetOf('not-enrolled'), gate: gate('open', 'clear', notEnrolled) }),
  'not-enrolled-judged': desk({
    verdict: blockedVerdict,
    waivers,
    findings: blockedFindings,
    fleet: fleetOf('not-enrolled'),
    gate: gate('open', 'blocked', { ...notEnrolled, wouldBe: 'closed' }),
  }),
  pending: desk({ verdict: null, findings: [], fleet: fleetOf('pending'), gate: gate('open', 'clear', notEnrolled) }),
  revoked: desk({ fleet: fleetOf('revoked') }),
} satisfies Record<string, DeskView>;
export type StateName = keyof typeof states;

export const history: DeskHistory = {
  quality: Array.from({ length: 36 }, (_, i) => {
    const isBad = i >= 26 && i < 31;
    const wave = Math.sin(i / 2.5);
    if (i === 28) return { at: at(-20 * (35 - i)), rttMs: null, jitterMs: null, lossPercent: 100, mos: null };
    return {
      at: at(-20 * (35 - i) - (i < 12 ? 180 : 0)),
      rttMs: Math.round(48 + wave * 12 + (isBad ? 290 : 0)),
      jitterMs: Math.round((4 + wave * 2 + (isBad ? 34 : 0)) * 10) / 10,
      lossPercent: isBad ? 2.4 : i % 9 === 0 ? 0.4 : 0,
      mos: Math.round((4.3 + wave * 0.05 - (isBad ? 1 : 0)) * 100) / 100,
    };
  }),
  standings: [
    { at: at(-700), standing: 'undetermined', causes: [] },
    { at: at(-590), standing: 'clear', causes: [] },
    { at: at(-200), standing: 'caution', causes: [checkId('network.media-quality')] },
    { at: at(-130), standing: 'clear', causes: [] },
    { at: at(-29), standing: 'caution', causes: [checkId('network.turn-udp')] },
    { at: at(-14), standing: 'blocked', causes: [checkId('network.turn-udp'), checkId('tls.interception')] },
  ],
  // Until it was switched off for the night, and since somebody woke it in the morning.
  watched: [
    { from: at(-700), to: at(-480) },
    { from: at(-262), to: at(0) },
  ],
};
