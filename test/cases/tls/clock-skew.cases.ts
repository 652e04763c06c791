import check from '../../../checks/tls/clock-skew.check.ts';
import { defineCases } from '../define-cases.ts';

const acme = 'acme.my.connect.aws';
const participant = 'participant.connect.us-west-2.amazonaws.com';
const sources = (...offsets: number[]) => ({
  sources: offsets.map((offsetMs, i) => ({ host: [acme, participant, 'lab.static.connect.aws'][i] ?? acme, by: 'https', offsetMs })),
});
const both = `https://${acme}, https://${participant}`;

export default defineCases(check, [
  { name: 'right', evidence: sources(200, -400), outcome: { kind: 'pass' } },
  {
    name: 'ten minutes behind',
    evidence: sources(600_300, 599_900),
    outcome: { kind: 'fail', reason: 'clock-behind', args: { duration: '10 min', offsetSeconds: 600, sources: both } },
  },
  {
    name: 'a year ahead',
    evidence: sources(-34_560_000_000, -34_560_000_400),
    outcome: { kind: 'fail', reason: 'clock-ahead', args: { duration: '400 d', offsetSeconds: -34_560_000, sources: both } },
  },
  {
    name: 'drifting',
    evidence: sources(45_000, 45_200),
    outcome: { kind: 'degraded', reason: 'clock-behind', args: { duration: '45 s', offsetSeconds: 45, sources: both } },
  },
  {
    name: 'one server that is wrong is outvoted',
    evidence: sources(100, -100, 86_400_000),
    outcome: { kind: 'pass' },
  },
  {
    name: 'one source is no proof',
    evidence: sources(600_000),
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: '1 of 1 time sources agree' },
  },
  {
    name: 'one server asked twice is no proof either',
    evidence: {
      sources: [
        { host: acme, by: 'https', offsetMs: 600_000 },
        { host: acme, by: 'http', offsetMs: 600_000 },
      ],
    },
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: '2 of 2 time sources agree' },
  },
  {
    name: 'sources that disagree',
    evidence: sources(0, 600_000),
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: '1 of 2 time sources agree' },
  },
  { name: 'no source', evidence: sources(), outcome: { kind: 'unknown', cause: 'inconclusive', detail: '0 of 0 time sources agree' } },
]);
