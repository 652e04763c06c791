import type { AnyCheck } from './check.ts';
import networkAllowlistDomains from './network/allowlist-domains.check.ts';
import networkAllowlistFreshness from './network/allowlist-freshness.check.ts';
import networkCaptivePortal from './network/captive-portal.check.ts';
import networkDns from './network/dns.check.ts';
import networkEgressCanary from './network/egress-canary.check.ts';
import networkMediaQuality from './network/media-quality.check.ts';
import networkRegionLatency from './network/region-latency.check.ts';
import networkTurnUdp from './network/turn-udp.check.ts';
import networkWebsocket from './network/websocket.check.ts';
import softphoneAudioDevices from './softphone/audio-devices.check.ts';
import softphoneWebrtcStack from './softphone/webrtc-stack.check.ts';
import tlsClockSkew from './tls/clock-skew.check.ts';
import tlsHandshake from './tls/handshake.check.ts';
import tlsInterception from './tls/interception.check.ts';

/** Every check there is, sorted by id. Explicit, so that a reader can see what runs. */
export const catalog: readonly AnyCheck[] = [
  networkAllowlistDomains,
  networkAllowlistFreshness,
  networkCaptivePortal,
  networkDns,
  networkEgressCanary,
  networkMediaQuality,
  networkRegionLatency,
  networkTurnUdp,
  networkWebsocket,
  softphoneAudioDevices,
  softphoneWebrtcStack,
  tlsClockSkew,
  tlsHandshake,
  tlsInterception,
];
