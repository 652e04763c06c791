import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAudioInputPids, runsAgentsBrowser } from '../../../../../agent/activity/microphone/macos-answers.ts';
import { readPipewireGraph, readSourceOutputs } from '../../../../../agent/activity/microphone/sound-server-answers.ts';
import { readConsentStore, readPeople } from '../../../../../agent/activity/microphone/windows-answers.ts';
import { repoRoot } from '../../../../../build/repo.ts';

const recording = (name: string) => readFileSync(path.join(repoRoot, 'test/fixtures/microphone', name), 'utf8');

describe('pactl', () => {
  // A browser of PipeWire's own protocol has no binary there, only a name.
  const two = JSON.parse(recording('source-outputs-pipewire.json')) as { corked: boolean; properties: Record<string, string> }[];
  const named = (binary: string, corked = false) => ({ corked, properties: { 'application.process.binary': binary } });
  it.each([
    ['PipeWire’s own recording', two, 'browser'],
    ['its native client alone', two.slice(0, 1), 'browser'],
    ['its pulse client alone', two.slice(1), 'browser'],
    ['streams that are paused', two.map((output) => ({ ...output, corked: true })), 'nobody'],
    ['no stream', [], 'nobody'],
    ['a recorder', [named('parecord')], 'other'],
    ['a paused browser beside a recorder', [named('chrome', true), named('parecord')], 'other'],
    ['a stream without a name', [{ corked: false, properties: {} }], 'other'],
    ['a name that only begins as a browser’s', [named('chrome-recorder')], 'other'],
    ['a whole path', [named('/usr/lib/firefox-esr/firefox-esr')], 'browser'],
    ['a stream that says nothing of being paused', [{ properties: { 'application.process.binary': 'chrome' } }], 'unknown'],
    ['another form', { outputs: [] }, 'unknown'],
    ['too many', Array.from({ length: 10_001 }, () => named('parecord')), 'unknown'],
  ])('%s', (_name, outputs, expected) => {
    expect(readSourceOutputs(JSON.stringify(outputs))).toBe(expected);
  });

  it('half an answer is none', () => {
    expect(readSourceOutputs(recording('source-outputs-pipewire.json').slice(0, -20))).toBe('unknown');
    expect(readSourceOutputs('')).toBe('unknown');
  });
});

describe('pw-dump', () => {
  const graph = JSON.parse(recording('pw-dump.json')) as { type: string; info: { state?: string; props?: Record<string, unknown> } }[];
  const isStream = (object: (typeof graph)[number]) => object.info?.props?.['media.class'] === 'Stream/Input/Audio';
  const withStates = (state: string) => graph.map((object) => (isStream(object) ? { ...object, info: { ...object.info, state } } : object));
  const native = graph.filter((object) => !isStream(object) || object.info.props?.['application.name'] === 'firefox');
  const nameless = native.map((object) =>
    isStream(object) ? { ...object, info: { ...object.info, props: { ...object.info.props, 'application.name': undefined } } } : object,
  );
  it.each([
    ['the recording', graph, 'browser'],
    ['a stream whose name only its client knows', nameless, 'browser'],
    ['streams that wait', withStates('suspended'), 'nobody'],
    ['no stream', graph.filter((object) => !isStream(object)), 'nobody'],
    ['a recorder', JSON.parse(JSON.stringify(graph).replaceAll('chromium', 'recorder').replaceAll('firefox', 'recorder')), 'other'],
    ['not even the server itself', [], 'unknown'],
    ['another form', { graph }, 'unknown'],
  ])('%s', (_name, objects, expected) => {
    expect(readPipewireGraph(JSON.stringify(objects))).toBe(expected);
  });
});

describe('the ConsentStore', () => {
  const text = recording('consent-store.txt');
  /** Of the recording's start, 0x1dc1e3f4a2b3c4d. */
  const startedAtMs = Number(0x1dc1e3f4a2b3c4dn / 10_000n) - 11_644_473_600_000;
  const swapped = (from: string, to: string) => text.replace(from, to);
  it.each([
    ['Chrome since this boot', text, startedAtMs - 60_000, 'browser'],
    ['Chrome, on since before a power loss', text, startedAtMs + 600_000, 'no-browser'],
    ['Chrome has stopped', swapped('0x0\r\n', '0x1dc1e3f4b000000\r\n'), startedAtMs - 60_000, 'no-browser'],
    ['a recorder', swapped('chrome.exe', 'voice.exe'), startedAtMs - 60_000, 'no-browser'],
    ['Firefox of the store', swapped('0x1dc1e3f4b000000', '0x0').replace('chrome.exe', 'voice.exe'), startedAtMs - 60_000, 'browser'],
    ['a key without a stop', swapped('    LastUsedTimeStop    REG_QWORD    0x0\r\n', ''), startedAtMs - 60_000, 'no-browser'],
    ['nothing', '', startedAtMs, 'unknown'],
    ['an error', 'ERROR: Access is denied.', startedAtMs, 'unknown'],
  ])('%s', (_name, store, bootedAtMs, expected) => {
    expect(readConsentStore(store, bootedAtMs)).toBe(expected);
  });

  it('people are neither services nor the classes of people', () => {
    expect(readPeople(recording('hkey-users.txt'))).toEqual([
      'S-1-5-21-1004336348-1177238915-682003330-1001',
      'S-1-12-1-1234567890-1234567891-1234567892-1234567893',
    ]);
  });
});

describe('pmset', () => {
  const text = recording('pmset-assertions.txt');
  it.each([
    ['one records, another plays', text, [821]],
    ['only playback', text.replace('audio-in audio-out', 'audio-out'), []],
    ['no audio at all', text.replace(/^ {3}pid 406[\s\S]*?(?= {3}pid 334)/m, ''), []],
    ['a recording for nobody named', text.replace('\tCreated for PID: 821.\n', ''), null],
    ['an audio resource of another kind', text.replace('audio-out BuiltInSpeakerDevice', 'BuiltInSpeakerDevice'), null],
    ['a listing without a list', text.replace('Listed by owning process:', ''), null],
    ['nothing', '', null],
  ])('%s', (_name, assertions, expected) => {
    expect(readAudioInputPids(assertions)).toEqual(expected);
  });

  const helper =
    '/Applications/Google Chrome.app/Contents/Frameworks/Google Chrome Framework.framework/Helpers/Google Chrome Helper.app/Contents/MacOS/Google Chrome Helper';
  it.each([
    ['Chrome’s helper', `  821   501 ${helper}\n`, true],
    ['another user’s', `  821   502 ${helper}\n`, false],
    ['a recorder', '  821   501 /System/Applications/VoiceMemos.app/Contents/MacOS/VoiceMemos\n', false],
    ['a name alone', '  821   501 Google Chrome.app/\n', false],
  ])('%s', (_name, processes, expected) => {
    expect(runsAgentsBrowser(processes, [501])).toBe(expected);
  });
});
