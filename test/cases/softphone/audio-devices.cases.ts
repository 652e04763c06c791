import check from '../../../checks/softphone/audio-devices.check.ts';
import { acmePlan } from '../acme-plan.ts';
import { defineCases } from '../define-cases.ts';

const headset = { kind: 'input', label: 'Headset Microphone', isDefault: false };
const builtIn = { kind: 'input', label: 'Built-in Microphone', isDefault: false };
const speaker = { kind: 'output', label: 'Headset Earphones', isDefault: false };
const opened = {
  platform: 'win32',
  refusal: null,
  refusalDetail: null,
  microphone: 'Headset Microphone',
  muted: false,
  live: true,
  sampleRateHz: 48_000,
  tookMs: 210,
  openMs: 40,
  devices: [{ ...headset, isDefault: true }, headset, builtIn, { ...speaker, isDefault: true }, speaker],
};
const refused = (refusal: string, refusalDetail: string, devices: object[] = [headset, speaker]) => ({
  ...opened,
  refusal,
  refusalDetail,
  microphone: null,
  muted: null,
  live: null,
  sampleRateHz: null,
  openMs: null,
  devices,
});
const microphone = 'Headset Microphone';

export default defineCases(check, [
  { name: 'a headset', evidence: opened, outcome: { kind: 'pass' } },
  {
    name: 'the microphone of the computer itself, where no headset is named',
    evidence: { ...opened, microphone: 'Built-in Microphone' },
    outcome: { kind: 'pass' },
  },
  {
    name: 'a headset that the policy names, in other letters',
    params: { headsets: ['acme one', 'HEADSET'] },
    evidence: opened,
    outcome: { kind: 'pass' },
  },
  {
    name: 'another microphone than the headset that the policy names',
    params: { headsets: ['Headset'] },
    evidence: { ...opened, microphone: 'Built-in Microphone' },
    outcome: { kind: 'degraded', reason: 'other-headset', args: { microphone: 'Built-in Microphone' } },
  },
  {
    name: 'no microphone at all',
    evidence: refused('not-found', 'NotFoundError: Requested device not found', [speaker]),
    outcome: { kind: 'fail', reason: 'no-microphone', args: {} },
  },
  {
    name: 'Windows keeps the app from the microphone',
    evidence: refused('not-allowed', 'NotAllowedError: Permission denied by system'),
    outcome: { kind: 'fail', reason: 'denied-windows', args: {} },
  },
  {
    name: 'macOS keeps the app from the microphone',
    evidence: { ...refused('not-allowed', 'NotAllowedError: Permission denied by system'), platform: 'darwin' },
    outcome: { kind: 'fail', reason: 'denied-macos', args: {} },
  },
  {
    name: 'a Linux desktop keeps the app from the microphone',
    evidence: { ...refused('not-allowed', 'NotAllowedError: Permission denied'), platform: 'linux' },
    outcome: { kind: 'fail', reason: 'denied-linux', args: {} },
  },
  {
    name: 'another program holds the microphone',
    evidence: refused('not-readable', 'NotReadableError: Could not start audio source'),
    outcome: { kind: 'degraded', reason: 'in-use', args: {} },
  },
  {
    name: 'the microphone does not open',
    evidence: { ...refused('no-answer', 'no answer within 8000 ms'), tookMs: 8_000 },
    outcome: { kind: 'degraded', reason: 'no-answer', args: {} },
  },
  {
    name: 'a refusal that nobody knows is neither good nor bad',
    evidence: refused('other', 'AbortError: Internal error'),
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: 'the microphone did not open: AbortError: Internal error' },
  },
  {
    name: 'a headset whose plug is loose',
    evidence: { ...opened, live: false },
    outcome: { kind: 'degraded', reason: 'ended', args: { microphone } },
  },
  {
    name: 'mute is on',
    evidence: { ...opened, muted: true },
    outcome: { kind: 'degraded', reason: 'muted', args: { microphone } },
  },
  {
    name: 'a microphone alone',
    evidence: { ...opened, devices: [headset] },
    outcome: { kind: 'degraded', reason: 'no-speaker', args: {} },
  },
  {
    name: 'what the microphone said was removed',
    evidence: { ...opened, microphone: null },
    outcome: { kind: 'unknown', cause: 'not-collected', detail: 'what the microphone said of itself' },
  },
  {
    name: 'a chat-only desk',
    evidence: opened,
    plan: acmePlan({ features: { voice: false } }),
    outcome: { kind: 'not-applicable', because: 'feature-absent' },
  },
  {
    name: 'a VDI guest whose audio is at the agent’s own device',
    evidence: opened,
    plan: acmePlan({ features: { vdi: true } }),
    vantage: 'vdi-guest',
    outcome: { kind: 'not-applicable', because: 'media-redirected' },
  },
]);
