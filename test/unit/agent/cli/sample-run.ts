import type { RunFacts } from '../../../../agent/cli/verdict-sections.ts';
import type { Locale } from '../../../../checks/texts/locale.ts';
import { type CheckTexts, textsFor } from '../../../../checks/texts/lookup.ts';
import { Finding, RuleId } from '../../../../contracts/finding.ts';
import type { Outcome } from '../../../../contracts/outcome.ts';
import type { Enforcement, Rule } from '../../../../contracts/policy.ts';
import { CheckDocument } from '../../../../contracts/report.ts';
import type { Standing } from '../../../../contracts/verdict.ts';
import { fakePolicy, fakeRule } from '../../../fakes/fake-policy.ts';

const ESC = '\u001b';
const silent = 'turnnlb-d76454ac48d20c1e.elb.us-west-2.amazonaws.com, turnnlb-8a79b4c15b3a4f0d.elb.us-west-2.amazonaws.com';

const outcomes: Readonly<Record<string, Outcome>> = {
  'network.turn-udp': { kind: 'fail', reason: 'udp-blocked', args: { hosts: silent } },
  'network.media-quality': { kind: 'unknown', cause: 'inconclusive', detail: 'no answer to any Binding' },
  'tls.interception': {
    kind: 'fail',
    reason: 'intercepted',
    args: { issuer: `Acme ${ESC}[31mProxy${ESC}[0m CA\u202e`, hosts: 'acme.my.connect.aws' },
  },
  'network.websocket': { kind: 'unknown', cause: 'timed-out', detail: '' },
  'network.allowlist-freshness': { kind: 'degraded', reason: 'old', args: { days: 45 } },
  'network.dns': { kind: 'pass' },
  'tls.handshake': { kind: 'pass' },
  'tls.clock-skew': { kind: 'pass' },
  'network.egress-canary': { kind: 'not-applicable', because: 'not-configured' },
  'network.region-latency': { kind: 'not-applicable', because: 'not-configured' },
  'network.captive-portal': { kind: 'not-applicable', because: 'proxied' },
};

const words: Readonly<
  Record<string, { title: string; zh: string; who?: string; says?: string; saysZh?: string; fix?: string; fixZh?: string }>
> = {
  'network.turn-udp': {
    title: 'Call audio path (UDP 3478)',
    zh: '通話語音路徑（UDP 3478）',
    who: 'it',
    says: 'Nothing comes back from the audio servers on UDP 3478.',
    saysZh: '語音伺服器的 UDP 3478 沒有任何回應。',
    fix: "Allow outbound UDP to port 3478 and its replies, to these hosts or to AWS's AMAZON_CONNECT ranges. A proxy cannot carry audio.",
    fixZh: '請允許往 3478 連接埠的對外 UDP 及其回應，目的地為上述主機或 AWS 的 AMAZON_CONNECT 位址範圍。Proxy 無法傳送語音。',
  },
  'network.media-quality': { title: 'Call audio quality', zh: '通話語音品質' },
  'tls.interception': {
    title: 'Encryption unbroken to AWS',
    zh: '到 AWS 的加密未被中斷',
    who: 'it',
    says: 'Something opens the encrypted connection: it answers with a certificate of "{issuer}".',
    saysZh: '有設備解開了加密連線，並以「{issuer}」簽發的憑證回應。',
    fix: 'Exempt these hosts from TLS inspection.',
    fixZh: '請將這些主機排除在 TLS 檢查之外。',
  },
  'network.websocket': { title: 'Live connection (WebSocket)', zh: '即時連線（WebSocket）' },
  'network.allowlist-freshness': {
    title: 'Allowlist up to date',
    zh: '允許清單為最新',
    who: 'agent',
    says: 'The list of AWS hosts is {days} days old.',
    saysZh: 'AWS 主機清單已有 {days} 天未更新。',
    fix: 'Update Deskwarden.',
    fixZh: '請更新 Deskwarden。',
  },
  'network.dns': { title: 'Names resolve', zh: '名稱解析正常' },
  'tls.handshake': { title: 'Secure connection', zh: '安全連線' },
  'tls.clock-skew': { title: 'Clock right', zh: '時鐘正確' },
  'network.egress-canary': { title: 'No way out beside the allowlist', zh: '沒有清單以外的出口' },
  'network.region-latency': { title: 'Distance to the Region', zh: '與區域的距離' },
  'network.captive-portal': { title: 'No sign-in page in the way', zh: '沒有登入頁面阻擋' },
  'softphone.audio-devices': { title: 'Headset and microphone', zh: '耳機與麥克風' },
};

const sampleTexts: Record<string, CheckTexts> = Object.fromEntries(
  Object.entries(words).map(([id, word]) => {
    const outcome = outcomes[id];
    const reason = outcome && 'reason' in outcome ? outcome.reason : null;
    const text = (title: string, says = '', fix = '') => ({
      title,
      what: `${title}?`,
      why: `${title}!`,
      reasons: reason ? { [reason]: { says, fix } } : {},
    });
    const en = text(word.title, word.says, word.fix);
    const zh = text(word.zh, word.saysZh, word.fixZh);
    return [id, { who: reason && word.who ? { [reason]: word.who } : {}, en, 'zh-TW': zh, 'zh-CN': zh, ko: en }];
  }),
);

export function sampleTextsIn(locale: Locale) {
  return textsFor(locale, sampleTexts);
}

function rule(check: string, fail: Enforcement, unknown: Enforcement): Rule {
  return fakeRule(check, { on: { fail, degraded: 'note', unknown } });
}

export const samplePolicy = fakePolicy([
  ...Object.keys(outcomes).map((check) => rule(check, 'block', 'warn')),
  rule('softphone.audio-devices', 'block', 'warn'),
]);

export const sampleFacts: RunFacts = { policy: samplePolicy, only: false, notRun: [RuleId.parse('softphone.audio-devices')] };

const at = '2026-11-22T08:00:00.000Z';

function finding(check: string, outcome: Outcome): Finding {
  return Finding.parse({
    rule: check,
    check,
    revision: 1,
    venue: 'daemon',
    vantage: 'endpoint',
    outcome,
    evidence: {},
    partial: false,
    observedAt: at,
    since: at,
    lastPassAt: null,
    badForMs: 0,
    goodRuns: 0,
    tookMs: 1234,
  });
}

function cause(rule: string, enforcement: Enforcement, explains: string[] = []) {
  return { rule, check: rule, enforcement, explains, blocksAt: null, waiver: null };
}

function documentOf(
  standing: Standing,
  found: readonly string[],
  causes: ReturnType<typeof cause>[],
  undetermined: string[],
): CheckDocument {
  return CheckDocument.parse({
    schema: 1,
    verdict: {
      policy: { id: 'built-in', revision: 1 },
      allowlist: { revision: 3 },
      standing,
      causes,
      undetermined,
      blocksAt: null,
      waivers: [],
      decidedAt: at,
      validUntil: '2026-11-22T08:15:00.000Z',
    },
    findings: found.map((check) => finding(check, outcomes[check] ?? { kind: 'pass' })),
    policy: { id: 'built-in', revision: 1 },
    allowlist: { revision: 3, createdAt: '2026-11-20T00:00:00.000Z' },
    startedAt: at,
    finishedAt: '2026-11-22T08:00:04.210Z',
  });
}

const fine = ['network.dns', 'tls.handshake', 'tls.clock-skew'];
const all = Object.keys(outcomes);

/** One of everything. */
export const blockedRun = documentOf(
  'blocked',
  all,
  [
    cause('network.turn-udp', 'block', ['network.media-quality']),
    cause('tls.interception', 'block'),
    cause('network.websocket', 'warn'),
    cause('network.allowlist-freshness', 'note'),
  ],
  [],
);
export const clearRun = documentOf('clear', [...fine, 'network.captive-portal'], [], []);
export const cautionRun = documentOf('caution', [...fine, 'network.websocket'], [cause('network.websocket', 'warn')], []);
export const undeterminedRun = documentOf('undetermined', [...fine, 'network.websocket'], [], ['network.websocket', 'network.dns']);
