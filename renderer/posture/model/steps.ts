import type { Outcome } from '../../../contracts/outcome.ts';
import type { Platform } from '../../../contracts/report.ts';

export type StepsKey = `app.steps.${'link' | 'clock' | 'microphone'}.${Platform}`;

/** Reasons that the agent mends in this computer's own settings, by check and reason; `*` stands for every reason. */
const topics: Readonly<Record<string, 'link' | 'clock' | 'microphone'>> = {
  'network.turn-udp no-route': 'link',
  'network.allowlist-domains no-route': 'link',
  'network.media-quality loss': 'link',
  'network.media-quality jitter': 'link',
  'network.media-quality mos': 'link',
  'network.allowlist-freshness from-the-future': 'clock',
  'tls.clock-skew clock-behind': 'clock',
  'tls.clock-skew clock-ahead': 'clock',
  'tls.handshake not-yet-valid': 'clock',
  'softphone.audio-devices *': 'microphone',
};

/** Where to look on this operating system; null where the fix says it all. */
export function stepsFor(check: string, outcome: Outcome, platform: Platform): StepsKey | null {
  if (outcome.kind !== 'fail' && outcome.kind !== 'degraded') return null;
  const topic = topics[`${check} ${outcome.reason}`] ?? topics[`${check} *`];
  return topic === undefined ? null : `app.steps.${topic}.${platform}`;
}
