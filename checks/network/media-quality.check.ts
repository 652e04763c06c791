import { z } from 'zod';
import { defineCheck } from '../check.ts';
import type { UdpPlan } from '../host.ts';
import { measureTrain, type TrainFigures } from './call-quality.ts';
import type { UdpExchange } from './observations.ts';
import { notCollected, resolveHost, turnEndpoints } from './plan-hosts.ts';
import { encodeBinding, isAnswer, parseStun, transactionKey } from './stun.ts';

/** Bytes of UDP payload: an Opus frame of 20 ms with its RTP and SRTP overhead. */
const VOICE_PAYLOAD = 160;
/** How long after the last Binding an answer still counts. A packet later than this is lost to a call. */
const LATE_MS = 1_000;

const threshold = (warn: number, fail: number, description: string) =>
  z.strictObject({ warn: z.number().nonnegative(), fail: z.number().nonnegative() }).default({ warn, fail }).describe(description);

export default defineCheck({
  id: 'network.media-quality',
  revision: 1,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'shared',
  area: 'call-quality',
  controls: [],
  timeoutMs: 10_000,
  minIntervalMs: 15 * 60_000,
  needs: ['network.turn-udp'],
  // One bad train may be this desk's own load, as at log-on: it warns at once, and blocks when the next two say the same.
  rule: { everyMs: 1_200_000, settleMs: 0, graceMs: 2_700_000, on: { fail: 'block', degraded: 'warn', unknown: 'note' } },
  params: z.strictObject({
    packets: z.int().min(10).max(50).default(50).describe('Bindings in the train; at most 50, since the server is not ours'),
    spacingMs: z.int().min(20).max(50).default(20).describe('Between two Bindings, as between two voice packets'),
    rttMs: threshold(300, 600, 'Median round trip; 300 ms is AWS\'s "abnormal", the other number is ours'),
    jitterMs: threshold(30, 60, 'RFC 3550 jitter of round trips; our numbers'),
    lossPercent: threshold(1, 5, 'One-way loss; our numbers, AWS names only 20 % as severe'),
    mos: threshold(3.6, 3.1, 'Estimated MOS below these; ITU-T G.109: some, then many users dissatisfied'),
  }),
  evidence: z.strictObject({
    host: z.string().meta({ class: 'internal' }),
    address: z.string().nullable().describe('Null when no TURN host has an address').meta({ class: 'internal' }),
    rttMs: z
      .array(z.number().nullable())
      .max(50)
      .describe('Round trip of each Binding that left this desk, in order, to 0.1 ms; null when it was lost')
      .meta({ class: 'internal' }),
    figures: z
      .record(z.string(), z.number())
      .nullable()
      .describe('What those round trips come to, for people; the judgement counts again. Null without an answer')
      .meta({ class: 'internal' }),
  }),
  reasons: ['loss', 'round-trip', 'jitter', 'mos'],
  notApplicable({ plan }, vantage) {
    if (!plan.features.voice) return 'feature-absent';
    if (vantage === 'vdi-guest' && plan.features.vdi) return 'media-redirected';
    return turnEndpoints(plan).length > 0 ? null : 'no-documented-host';
  },

  async probe(host, { params, plan }) {
    const endpoint = turnEndpoints(plan)[0];
    if (!endpoint) return { seen: false, cause: 'not-collected', detail: 'the endpoint plan names no TURN host' };
    const { addresses } = await resolveHost(host.net, endpoint.host);
    const address = addresses[0];
    if (!address) return { seen: true, value: { host: endpoint.host, address: null, rttMs: [], figures: null } };
    const train = planTrain(endpoint.host, address, endpoint.port, params, (length) => host.net.random(length));
    const exchange = await host.net.exchange(train);
    // Behind a flood an answer may have been left out, which must not count as lost.
    if (exchange.dropped > 0)
      return { seen: false, cause: 'inconclusive', detail: `${exchange.dropped} datagrams too many came from ${address}` };
    const rttMs = roundTrips(train, exchange);
    const measured = measureTrain(rttMs);
    return { seen: true, value: { host: endpoint.host, address, rttMs, figures: measured && rounded(measured) } };
  },

  evaluate({ host, address, rttMs }, { params, plan }) {
    const planned = turnEndpoints(plan).slice(0, 1);
    const missing = notCollected(
      planned.map((endpoint) => endpoint.host),
      [host],
    );
    if (missing) return missing;
    const figures = measureTrain(rttMs);
    if (!figures) {
      return { kind: 'unknown', cause: 'inconclusive', detail: address ? `${host} answered no Binding` : `${host} has no address` };
    }
    const args = { host, ...rounded(figures) };
    const exceeds = (level: 'warn' | 'fail') => {
      if (figures.oneWayLossPercent > params.lossPercent[level]) return 'loss' as const;
      if (figures.rttP50Ms > params.rttMs[level]) return 'round-trip' as const;
      if (figures.jitterMs > params.jitterMs[level]) return 'jitter' as const;
      return figures.mos < params.mos[level] ? ('mos' as const) : null;
    };
    const failed = exceeds('fail');
    if (failed) return { kind: 'fail', reason: failed, args };
    const warned = exceeds('warn');
    return warned ? { kind: 'degraded', reason: warned, args } : { kind: 'pass' };
  },
});

function rounded(figures: TrainFigures) {
  const round = (value: number, digits: number) => Number(value.toFixed(digits));
  return {
    sent: figures.sent,
    lost: figures.sent - figures.received,
    lossPercent: round(figures.oneWayLossPercent, 1),
    rttMs: round(figures.rttP50Ms, 0),
    rttP95Ms: round(figures.rttP95Ms, 0),
    jitterMs: round(figures.jitterMs, 1),
    mos: round(figures.mos, 2),
  };
}

function planTrain(
  host: string,
  address: string,
  port: number,
  { packets, spacingMs }: { packets: number; spacingMs: number },
  random: (length: number) => Uint8Array,
): UdpPlan {
  const datagrams = Array.from({ length: packets }, (_, i) => ({ atMs: i * spacingMs, bytes: encodeBinding(random(12), VOICE_PAYLOAD) }));
  const awaited = new Set(datagrams.map(({ bytes }) => transactionKey(bytes.subarray(8))));
  return {
    host,
    address,
    port,
    datagrams,
    listenMs: (packets - 1) * spacingMs + LATE_MS,
    socket: 'connected',
    isEnough(bytes) {
      const parsed = parseStun(bytes);
      if (parsed.ok && isAnswer(parsed.message)) awaited.delete(parsed.message.transactionId);
      return awaited.size === 0;
    },
  };
}

/**
 * A Binding that this desk's own stack refused to send is no loss of the path, and is left out. A refusal of the server,
 * such as 420 for the padding or 401, has gone there and back as well.
 */
function roundTrips(plan: UdpPlan, { events }: UdpExchange): (number | null)[] {
  const answeredAt = new Map<string, number>();
  for (const event of events) {
    if (event.kind !== 'received') continue;
    const parsed = parseStun(event.bytes);
    if (!parsed.ok || !isAnswer(parsed.message)) continue;
    const id = parsed.message.transactionId;
    if (!answeredAt.has(id)) answeredAt.set(id, event.atMs);
  }
  return events.flatMap((event) => {
    if (event.kind !== 'sent') return [];
    const id = transactionKey(plan.datagrams[event.index]?.bytes.subarray(8) ?? new Uint8Array(0));
    const at = answeredAt.get(id);
    return [at === undefined ? null : Math.round((at - event.atMs) * 10) / 10];
  });
}
