/** Figures of a paced train of STUN Bindings. Times in milliseconds, losses in percent. */
export interface TrainFigures {
  sent: number;
  received: number;
  rttP50Ms: number;
  rttP95Ms: number;
  /** RFC 3550 section 6.4.1 interarrival jitter, of round trips: both directions together. */
  jitterMs: number;
  /** Lost round trips. */
  roundTripLossPercent: number;
  /** Loss in one direction, were both alike: 1 - sqrt(1 - round-trip loss). */
  oneWayLossPercent: number;
  mos: number;
}

/** `rttMs` in order of sending, null for a Binding without an answer. Null when nothing was answered: nothing can be said. */
export function measureTrain(rttMs: readonly (number | null)[]): TrainFigures | null {
  const answered = rttMs.filter((rtt): rtt is number => rtt !== null);
  if (answered.length === 0) return null;
  const sorted = [...answered].sort((a, b) => a - b);
  const lost = 1 - answered.length / rttMs.length;
  const oneWay = 1 - Math.sqrt(1 - lost);
  const jitterMs = interarrivalJitter(answered);
  const rttP50Ms = percentile(sorted, 0.5);
  return {
    sent: rttMs.length,
    received: answered.length,
    rttP50Ms,
    rttP95Ms: percentile(sorted, 0.95),
    jitterMs,
    roundTripLossPercent: 100 * lost,
    oneWayLossPercent: 100 * oneWay,
    mos: estimateMos({ rttMs: rttP50Ms, jitterMs, lossPercent: 100 * oneWay }),
  };
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** RFC 3550 section 6.4.1: J += (|D| - J) / 16. */
function interarrivalJitter(transits: readonly number[]): number {
  let jitter = 0;
  for (let i = 1; i < transits.length; i++) {
    jitter += (Math.abs((transits[i] as number) - (transits[i - 1] as number)) - jitter) / 16;
  }
  return jitter;
}

/** One 20 ms packet and its look-ahead, spent before anything is sent. */
const PACKETISATION_MS = 20;
/** Rating without impairment, ITU-T G.107 default values. */
const BEST_RATING = 93.2;
/** G.711 with packet-loss concealment, ITU-T G.113 Appendix I. ITU-T gives no pair for Opus, which conceals at least as well. */
const LOSS_ROBUSTNESS = 25.1;

/**
 * An estimate of the mean opinion score by the E-model (ITU-T G.107), delay impairment as simplified by Cole and
 * Rosenbluth (2001), for G.711 with concealment. A jitter buffer of twice the jitter is assumed. 1 to 4.4; it never rises
 * when round trip, jitter or loss rise.
 */
export function estimateMos({ rttMs, jitterMs, lossPercent }: { rttMs: number; jitterMs: number; lossPercent: number }): number {
  const delayMs = rttMs / 2 + 2 * jitterMs + PACKETISATION_MS;
  const delayImpairment = 0.024 * delayMs + (delayMs > 177.3 ? 0.11 * (delayMs - 177.3) : 0);
  const lossImpairment = (95 * lossPercent) / (lossPercent + LOSS_ROBUSTNESS);
  const rating = BEST_RATING - delayImpairment - lossImpairment;
  if (rating <= 0) return 1;
  // The cubic of G.107 Annex B dips below 1 for ratings under 6.5.
  return Math.max(1, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6);
}
