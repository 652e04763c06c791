import { z } from 'zod';
import { defineCheck } from '../check.ts';
import { listHosts, notCollected, turnEndpoints } from '../network/plan-hosts.ts';

/** As long as the CCP waits for a relay candidate before it gives the call up (connect-rtc-js, `ICE_TIMEOUT`). */
const GATHER_MS = 8_000;
/** As many as the daemon tells the session. */
const MOST_SERVERS = 20;
/** Chromium's code for a server that it could not ask (W3C WebRTC, 4.8.1.3). A real STUN error code is below. */
const NOT_REACHED = 701;

const Server = z.strictObject({
  host: z.string().max(253),
  port: z.int().min(1).max(65_535),
  code: z.int().nullable().describe('Of icecandidateerror: 401 from a TURN server that was reached, 701 where it was not; null for none'),
  relayed: z.boolean().describe('It gave a relay address for credentials that are none'),
  tookMs: z.number().nullable().describe('Until then'),
});
type Server = z.infer<typeof Server>;

export default defineCheck({
  id: 'softphone.webrtc-stack',
  revision: 1,
  venue: 'session',
  layer: 'workstation',
  responsibility: 'yours',
  area: 'call-quality',
  controls: [],
  timeoutMs: 15_000,
  needs: ['network.turn-udp'],
  // Whether the network lets audio through is network.turn-udp's to say; this is a second opinion from where calls are made.
  rule: {
    everyMs: 3_600_000,
    settleMs: 0,
    graceMs: 0,
    recoverRuns: 1,
    on: { fail: 'warn', degraded: 'warn', unknown: 'note' },
  },
  params: z.strictObject({}),
  evidence: z.strictObject({
    available: z.boolean().describe('Pages have RTCPeerConnection').meta({ class: 'internal' }),
    opus: z
      .boolean()
      .nullable()
      .describe('An offer names Opus, the only codec of Connect; null when none was made')
      .meta({ class: 'internal' }),
    ownUdp: z
      .number()
      .nullable()
      .describe('UDP addresses that WebRTC may use here, counted; null when not looked')
      .meta({ class: 'internal' }),
    servers: z.array(Server).max(MOST_SERVERS).meta({ class: 'internal' }),
  }),
  reasons: ['no-webrtc', 'no-opus', 'no-udp', 'turn-not-reached'],
  notApplicable({ plan }, vantage) {
    if (!plan.features.voice) return 'feature-absent';
    return vantage === 'vdi-guest' && plan.features.vdi ? 'media-redirected' : null;
  },

  async probe({ webrtc, turn }) {
    return { seen: true, value: await webrtc.lookAtPath(turn.slice(0, MOST_SERVERS), GATHER_MS) };
  },

  evaluate({ available, opus, ownUdp, servers }, { plan }) {
    if (!available) return { kind: 'fail', reason: 'no-webrtc' };
    if (opus === null) return { kind: 'unknown', cause: 'inconclusive', detail: 'no offer could be made' };
    if (!opus) return { kind: 'fail', reason: 'no-opus' };
    const planned = turnEndpoints(plan).slice(0, MOST_SERVERS);
    const missing = notCollected(
      planned.map(({ host }) => host),
      servers.map(({ host }) => host),
    );
    if (missing) return missing;
    const looked = planned.flatMap(({ host, turn }) => servers.filter((one) => one.host === host).map((one) => ({ ...one, turn })));
    const reached = looked.filter(isReached);
    // A reported host is not documented by AWS: that it has no address proves nothing.
    const lost = looked.filter((one) => !isReached(one) && one.code === NOT_REACHED && one.turn.standing === 'official');
    const args = { hosts: listHosts(lost.map(({ host }) => host)), count: lost.length, of: looked.length };
    if (lost.length > 0) return { kind: 'degraded', reason: 'turn-not-reached', args };
    if (looked.length === 0 || reached.length > 0) return { kind: 'pass' };
    // False positive: a computer without any network, of which the network checks tell first.
    if (ownUdp === 0) return { kind: 'degraded', reason: 'no-udp' };
    const detail = `no answer within ${GATHER_MS / 1_000} s from ${listHosts(looked.map(({ host }) => host))}`;
    return { kind: 'unknown', cause: 'inconclusive', detail };
  },
});

function isReached({ code, relayed }: Server): boolean {
  return relayed || (code !== null && code >= 300 && code < 700);
}
