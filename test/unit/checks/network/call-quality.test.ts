import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateMos, measureTrain } from '../../../../checks/network/call-quality.ts';

const rtt = fc.double({ min: 0, max: 3_000, noNaN: true });
const jitter = fc.double({ min: 0, max: 500, noNaN: true });
const loss = fc.double({ min: 0, max: 100, noNaN: true });

describe('estimateMos', () => {
  // ITU-T G.107 with G.711 and concealment at a one-way delay of 100 ms: 160 ms of round trip and 20 ms of packetisation.
  it.each([
    [0, 4.36],
    [1, 4.26],
    [2, 4.16],
    [3, 4.05],
    [5, 3.82],
  ])('agrees with the E-model at %d %% loss', (lossPercent, mos) => {
    expect(estimateMos({ rttMs: 160, jitterMs: 0, lossPercent })).toBeCloseTo(mos, 1);
  });
  it('stays between 1 and 4.5', () => {
    fc.assert(
      fc.property(rtt, jitter, loss, (rttMs, jitterMs, lossPercent) => {
        const mos = estimateMos({ rttMs, jitterMs, lossPercent });
        return mos >= 1 && mos <= 4.5;
      }),
    );
  });
  it('never rises when delay, jitter or loss rise', () => {
    fc.assert(
      fc.property(rtt, jitter, loss, rtt, jitter, loss, (rttMs, jitterMs, lossPercent, moreRtt, moreJitter, moreLoss) => {
        const better = estimateMos({ rttMs, jitterMs, lossPercent });
        const worse = estimateMos({
          rttMs: rttMs + moreRtt,
          jitterMs: jitterMs + moreJitter,
          lossPercent: Math.min(100, lossPercent + moreLoss),
        });
        return worse <= better + 1e-9;
      }),
    );
  });
});

describe('measureTrain', () => {
  it('says nothing of a train without an answer', () => {
    expect(measureTrain([null, null])).toBeNull();
    expect(measureTrain([])).toBeNull();
  });
  it('measures jitter as RFC 3550 does', () => {
    // D is 16 each time: J = 1, then 1 + (16 - 1) / 16.
    expect(measureTrain([0, 16, 0])?.jitterMs).toBeCloseTo(1.9375, 6);
  });
  it('turns round-trip loss into loss of one direction', () => {
    const figures = measureTrain([10, null, 10, 10]);
    expect([figures?.roundTripLossPercent, figures?.oneWayLossPercent]).toEqual([25, 100 * (1 - Math.sqrt(0.75))]);
  });
  it('is finite and bounded over any train with an answer', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.double({ min: 0, max: 5_000, noNaN: true })), { minLength: 1, maxLength: 50 }), (train) => {
        const figures = measureTrain(train);
        return figures === null || Object.values(figures).every(Number.isFinite);
      }),
    );
  });
});
