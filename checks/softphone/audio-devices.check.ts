import { z } from 'zod';
import { defineCheck, type Judgement } from '../check.ts';
import type { Platform } from '../host.ts';

/** The CCP gives up on the microphone after 10 s (connect-rtc-js, `GUM_TIMEOUT`); what takes nearly that long fails a call sooner or later. */
const MICROPHONE_MS = 8_000;
/** Drivers name themselves at any length. */
const LABEL_LENGTH = 200;
const MOST_DEVICES = 32;

type Reason = (typeof reasons)[number];
const reasons = [
  'no-microphone',
  'denied-windows',
  'denied-macos',
  'denied-linux',
  'in-use',
  'no-answer',
  'ended',
  'muted',
  'no-speaker',
  'other-headset',
] as const;

const denied = { win32: 'denied-windows', darwin: 'denied-macos', linux: 'denied-linux' } as const satisfies Record<Platform, Reason>;

const label = () => z.string().max(LABEL_LENGTH).meta({ class: 'confidential' });

export default defineCheck({
  id: 'softphone.audio-devices',
  revision: 1,
  venue: 'session',
  layer: 'workstation',
  responsibility: 'yours',
  area: 'call-quality',
  controls: [],
  timeoutMs: 12_000,
  // A headset that is unplugged and plugged in again blocks nobody. Where nobody has looked, as without the tray app, only a note says so.
  rule: {
    everyMs: 1_800_000,
    settleMs: 0,
    graceMs: 120_000,
    recoverRuns: 1,
    on: { fail: 'block', degraded: 'warn', unknown: 'note' },
  },
  params: z.strictObject({
    headsets: z
      .array(z.string().trim().min(1).max(100))
      .max(50)
      .default([])
      .describe('Parts of the names of the headsets that agents use; where there are any, another microphone is told'),
  }),
  evidence: z.strictObject({
    platform: z.enum(['win32', 'darwin', 'linux']).meta({ class: 'public' }),
    refusal: z
      .enum(['not-allowed', 'not-found', 'not-readable', 'no-answer', 'other'])
      .nullable()
      .describe('Why the microphone did not open; null when it did')
      .meta({ class: 'internal' }),
    refusalDetail: z.string().max(200).nullable().describe("The browser's own word for it").meta({ class: 'internal' }),
    microphone: label().nullable().describe('Name of the microphone that opened').meta({ class: 'confidential' }),
    muted: z.boolean().nullable().describe('It said that it gives silence').meta({ class: 'internal' }),
    live: z.boolean().nullable().describe('It was still there when it was looked at').meta({ class: 'internal' }),
    sampleRateHz: z.number().nullable().meta({ class: 'internal' }),
    tookMs: z.number().describe('Until it was open, or refused').meta({ class: 'internal' }),
    openMs: z.number().nullable().describe('For how long it was open; its sound is never read').meta({ class: 'internal' }),
    devices: z
      .array(
        z.strictObject({
          kind: z.enum(['input', 'output']).meta({ class: 'internal' }),
          label: label().describe("The driver's name; empty where the browser gives none"),
          isDefault: z.boolean().describe("The operating system's choice").meta({ class: 'internal' }),
        }),
      )
      .max(MOST_DEVICES),
  }),
  reasons,
  notApplicable({ plan }, vantage) {
    if (!plan.features.voice) return 'feature-absent';
    return vantage === 'vdi-guest' && plan.features.vdi ? 'media-redirected' : null;
  },

  async probe({ media, platform }) {
    const look = await media.lookAtMicrophone(MICROPHONE_MS);
    if (look === null) return { seen: false, cause: 'tool-missing', detail: 'this page has no media devices' };
    const devices = (await media.devices()).map((device) => ({ ...device, label: device.label.slice(0, LABEL_LENGTH) }));
    const nothing = { refusal: null, refusalDetail: null, microphone: null, muted: null, live: null, sampleRateHz: null, openMs: null };
    const seen = { ...nothing, platform, tookMs: look.tookMs, devices: devices.slice(0, MOST_DEVICES) };
    if (!look.opened) return { seen: true, value: { ...seen, refusal: look.refusal, refusalDetail: look.detail.slice(0, 200) } };
    const { muted, live, sampleRateHz, openMs } = look;
    return { seen: true, value: { ...seen, microphone: look.label.slice(0, LABEL_LENGTH), muted, live, sampleRateHz, openMs } };
  },

  evaluate({ platform, refusal, refusalDetail, microphone, muted, live, devices }, { params }): Judgement<Reason> {
    const args = { microphone: microphone ?? '' };
    switch (refusal) {
      case 'not-found':
        return { kind: 'fail', reason: 'no-microphone' };
      case 'not-allowed':
        return { kind: 'fail', reason: denied[platform] };
      case 'not-readable':
        return { kind: 'degraded', reason: 'in-use' };
      case 'no-answer':
        return { kind: 'degraded', reason: 'no-answer' };
      case 'other':
        return { kind: 'unknown', cause: 'inconclusive', detail: `the microphone did not open: ${refusalDetail ?? ''}` };
      case null:
    }
    if (microphone === null || muted === null || live === null) {
      return { kind: 'unknown', cause: 'not-collected', detail: 'what the microphone said of itself' };
    }
    if (!live) return { kind: 'degraded', reason: 'ended', args };
    if (muted) return { kind: 'degraded', reason: 'muted', args };
    if (!devices.some(({ kind }) => kind === 'output')) return { kind: 'degraded', reason: 'no-speaker' };
    const isNamed = params.headsets.some((part) => microphone.toLowerCase().includes(part.toLowerCase()));
    return params.headsets.length === 0 || isNamed ? { kind: 'pass' } : { kind: 'degraded', reason: 'other-headset', args };
  },
});
