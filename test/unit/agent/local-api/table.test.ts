import { describe, expect, it } from 'vitest';
import { answer } from '../../../../contracts/call.ts';
import { localApi } from '../../../../contracts/local-api.ts';
import { goodHandlers, NOW } from './staged-api.ts';

describe('what a user may say', () => {
  it('is these names, and none of them weakens the gate on his own word', () => {
    const names = Object.entries(localApi).map(([name, { kind }]) => `${kind} ${name}`);
    // Whoever adds a name adds it here, and has thought about what a user who wants to take calls would do with it.
    expect(names.sort()).toEqual([
      'call acknowledgeWindow',
      'call hello',
      'call history',
      'call recheck',
      'call release',
      'call reportActivity',
      'call snapshot',
      'call submitEvidence',
      'event gateChanged',
      'event progress',
      'event verdictChanged',
    ]);
  });

  it('carries no more than these keys', () => {
    const requests = Object.entries(localApi).flatMap(([name, entry]) =>
      entry.kind === 'call' && 'shape' in entry.request ? [[name, Object.keys(entry.request.shape)]] : [],
    );
    expect(Object.fromEntries(requests)).toEqual({
      hello: ['nonce'],
      recheck: ['check'],
      submitEvidence: ['check', 'reading'],
      acknowledgeWindow: ['applied', 'at'],
      reportActivity: ['says'],
      // Root alone may leave it out; from anybody else it is IT's word or nothing.
      release: ['code'],
    });
  });

  it('may be refused as too much, whatever it is', () => {
    for (const entry of Object.values(localApi)) if (entry.kind === 'call') expect(entry.errors).toContain('busy');
  });
});

const handlers = { ...goodHandlers, hello: async () => ({ ok: true as const, value: { signature: 'x' } }) };
const check = 'softphone.audio-devices';
const seen = (evidence: unknown) => ({ check, reading: { seen: true, evidence } });
const deep = (depth: number): unknown => (depth === 0 ? 1 : { a: deep(depth - 1) });

it.each([
  ['recheck of all', 'recheck', {}, true],
  ['recheck of one', 'recheck', { check }, true],
  ['recheck of a command', 'recheck', { check: 'network.a; reboot' }, false],
  ['recheck of a path', 'recheck', { check: '../../etc/passwd' }, false],
  ['recheck with more', 'recheck', { check, outcome: 'pass' }, false],
  ['evidence', 'submitEvidence', seen({ devices: [{ label: 'Headset' }] }), true],
  ['evidence of 16 KiB', 'submitEvidence', seen('x'.repeat(16 * 1024 - 2)), true],
  ['evidence of more', 'submitEvidence', seen('x'.repeat(16 * 1024 - 1)), false],
  ['evidence of many small parts', 'submitEvidence', seen(Array(9_000).fill(0)), false],
  ['evidence as deep as it may be', 'submitEvidence', seen(deep(16)), true],
  ['evidence that is deeper', 'submitEvidence', seen(deep(17)), false],
  ['evidence with a prototype', 'submitEvidence', seen(JSON.parse('{"__proto__":1}')), false],
  ['a look that could not be', 'submitEvidence', { check, reading: { seen: false, cause: 'timed-out', detail: '9 s' } }, true],
  ['a look that could not be, without a cause', 'submitEvidence', { check, reading: { seen: false, detail: '9 s' } }, false],
  [
    'a look that could not be, and evidence',
    'submitEvidence',
    { check, reading: { seen: false, cause: 'denied', detail: '', evidence: 1 } },
    false,
  ],
  ['no reading', 'submitEvidence', { check }, false],
  ['evidence with its judgement', 'submitEvidence', { ...seen(1), outcome: { kind: 'pass' } }, false],
  ['a judgement for a reading', 'submitEvidence', { check, reading: { kind: 'pass' } }, false],
  ['an acknowledgement', 'acknowledgeWindow', { applied: 'banner', at: NOW }, true],
  ['an acknowledgement of a wish', 'acknowledgeWindow', { applied: 'release', at: NOW }, false],
  ['a short nonce', 'hello', { nonce: 'abc' }, false],
  ['a nonce with another text in it', 'hello', { nonce: `${'a'.repeat(41)}\n0` }, false],
])('%s', async (_name, name, request, isTaken) => {
  const result = await answer(localApi, handlers, name, request);
  expect(result.ok || result.error.code).toBe(isTaken || 'bad-request');
});
