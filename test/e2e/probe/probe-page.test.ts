import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeMissing, missingTools } from '../../../build/debian-tools.ts';
import type { Check } from '../../../checks/check.ts';
import audioDevices from '../../../checks/softphone/audio-devices.check.ts';
import webrtcStack from '../../../checks/softphone/webrtc-stack.check.ts';
import type { Outcome } from '../../../contracts/outcome.ts';
import { fakePlan } from '../../fakes/fake-plan.ts';
import { buildProbe, freeUdpPort, type Looked, launchWith, look, type Sound, startTurn, type TurnServer } from './probe-browser.ts';

const BUILD_MS = 120_000;
const LOOK_MS = 60_000;

const missing = [...missingTools('browser'), ...missingTools('lab').filter(({ tool }) => tool === 'turnserver')];
const why = missing.length === 0 ? null : describeMissing(missing);

let dir: string | undefined;
let files: Map<string, Buffer>;
let turn: TurnServer;
beforeAll(async () => {
  if (why !== null) return;
  dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-probe-'));
  [files, turn] = await Promise.all([buildProbe(path.join(dir, 'ui')), startTurn(dir)]);
}, BUILD_MS);
afterAll(async () => {
  await turn?.stop();
  if (dir) await rm(dir, { recursive: true, force: true });
});

async function lookWith(sound: Sound, check: Check<'session'>, port: number, host = '127.0.0.1'): Promise<Looked & { outcome: Outcome }> {
  let browser: Browser | undefined;
  try {
    browser = await launchWith(sound);
    const looked = await look(browser, files, { task: 3, check: check.id, params: {}, turn: [{ host, port }] });
    const { reading } = looked;
    const endpoint = { host, port, protocol: 'udp', turn: { standing: 'official', answersExpected: true } };
    const plan = fakePlan({ endpoints: [endpoint as never] });
    if (!reading.seen) throw new Error(`could not look: ${reading.cause} ${reading.detail}`);
    return { ...looked, outcome: check.judge(reading.evidence, {}, plan, 'endpoint') };
  } finally {
    await browser?.close();
  }
}

describe.skipIf(why !== null)(`the microphone in real Chromium${why === null ? '' : `: ${why}`}`, () => {
  it('opens for less than a second, is never read, and passes', { timeout: LOOK_MS }, async () => {
    const { outcome, reading, recorded, trouble } = await lookWith({ devices: 'fake', allows: true }, audioDevices, turn.port);
    expect(outcome).toEqual({ kind: 'pass' });
    expect(reading).toMatchObject({
      evidence: { platform: 'linux', refusal: null, live: true, muted: false, sampleRateHz: expect.any(Number) },
    });
    const evidence = audioDevices.evidence.parse(reading.seen && reading.evidence) as { microphone: string; devices: object[] };
    expect(evidence.microphone).toMatch(/fake/i);
    expect(evidence.devices).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'input', isDefault: true }),
        expect.objectContaining({ kind: 'output', label: expect.stringMatching(/fake/i) }),
      ]),
    );
    expect(recorded.opened.map(({ constraints }) => constraints)).toEqual([{ audio: true }]);
    expect(recorded.stopped).toHaveLength(1);
    expect((recorded.stopped[0] ?? Infinity) - (recorded.opened[0]?.atMs ?? 0)).toBeLessThan(1_000);
    expect([recorded.reads, trouble]).toEqual([[], []]);
  });

  it('that is denied fails, and says by whom', { timeout: LOOK_MS }, async () => {
    const { outcome, recorded } = await lookWith({ devices: 'fake', allows: false }, audioDevices, turn.port);
    expect(outcome).toEqual({ kind: 'fail', reason: 'denied-linux', args: {} });
    expect(recorded.opened).toEqual([]);
  });

  it('that is not there fails', { timeout: LOOK_MS }, async () => {
    const { outcome } = await lookWith({ devices: 'none', allows: true }, audioDevices, turn.port);
    expect(outcome).toEqual({ kind: 'fail', reason: 'no-microphone', args: {} });
  });
});

describe.skipIf(why !== null)(`WebRTC in real Chromium${why === null ? '' : `: ${why}`}`, () => {
  it('reaches a TURN server that refuses its credentials, and passes', { timeout: LOOK_MS }, async () => {
    const { outcome, reading, recorded, trouble } = await lookWith({ devices: 'fake', allows: true }, webrtcStack, turn.port);
    expect(outcome).toEqual({ kind: 'pass' });
    expect(reading).toMatchObject({
      evidence: { available: true, opus: true, servers: [{ host: '127.0.0.1', code: 401, relayed: false }] },
    });
    // The server saw who asked, and gave nothing.
    expect(turn.log()).toContain('deskwarden');
    expect(turn.log()).not.toContain('ALLOCATE processed, success');
    // It asks for no microphone, and sends none.
    expect([recorded, trouble]).toEqual([{ opened: [], stopped: [], reads: [] }, []]);
  });

  it('reaches one whose name has capitals', { timeout: LOOK_MS }, async () => {
    const { outcome, reading } = await lookWith({ devices: 'fake', allows: true }, webrtcStack, turn.port, 'LocalHost');
    expect(reading).toMatchObject({ evidence: { servers: [{ host: 'LocalHost', code: 401 }] } });
    expect(outcome).toEqual({ kind: 'pass' });
  });

  it('cannot tell where nothing answers', { timeout: LOOK_MS }, async () => {
    const { outcome } = await lookWith({ devices: 'fake', allows: true }, webrtcStack, await freeUdpPort());
    expect(outcome).toEqual({ kind: 'unknown', cause: 'inconclusive', detail: 'no answer within 8 s from 127.0.0.1' });
  });
});
