import { BrowserWindow } from 'electron';
import { until } from './observe.ts';
import type { Probed } from './probed.ts';

/** A tone of ten seconds as a WAV file, made in the page: it never touches the network or the document. */
const tone = `(() => {
  const rate = 8000, count = rate * 10, bytes = new DataView(new ArrayBuffer(44 + count));
  const text = (at, word) => [...word].forEach((letter, index) => bytes.setUint8(at + index, letter.charCodeAt(0)));
  text(0, 'RIFF'); bytes.setUint32(4, 36 + count, true); text(8, 'WAVEfmt '); bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true); bytes.setUint16(22, 1, true); bytes.setUint32(24, rate, true); bytes.setUint32(28, rate, true);
  bytes.setUint16(32, 1, true); bytes.setUint16(34, 8, true); text(36, 'data'); bytes.setUint32(40, count, true);
  for (let at = 0; at < count; at += 1) bytes.setUint8(44 + at, 128 + 100 * Math.sin(at * 440 * 2 * Math.PI / rate));
  return URL.createObjectURL(new Blob([bytes], { type: 'audio/wav' }));
})()`;

/** Both ends of a call in one page; the far end's voice comes out of an element that is in no document. */
const call = `(async () => {
  const context = new AudioContext(), far = context.createMediaStreamDestination(), voice = context.createOscillator();
  voice.connect(far); voice.start();
  const here = new RTCPeerConnection(), there = new RTCPeerConnection();
  here.onicecandidate = ({ candidate }) => candidate && there.addIceCandidate(candidate);
  there.onicecandidate = ({ candidate }) => candidate && here.addIceCandidate(candidate);
  const heard = new Promise((done) => { here.ontrack = ({ streams: [stream] }) => {
    window.far = new Audio(); far.srcObject = stream; far.play().then(done);
  } });
  const [track] = far.stream.getAudioTracks();
  there.addTrack(track, far.stream);
  await there.setLocalDescription(await there.createOffer({ offerToReceiveAudio: true }));
  await here.setRemoteDescription(there.localDescription);
  await here.setLocalDescription(await here.createAnswer());
  await there.setRemoteDescription(here.localDescription);
  window.call = { here, there, voice };
  await heard;
})()`
  .replaceAll('far.srcObject', 'window.far.srcObject')
  .replaceAll('far.play', 'window.far.play');

export async function seeMedia({ see, site }: Probed): Promise<void> {
  const window = new BrowserWindow({ show: false, webPreferences: { partition: 'probe-media' } });
  const { webContents } = window;
  const events: string[] = [];
  webContents.on('media-started-playing', () => events.push('started'));
  webContents.on('media-paused', () => events.push('paused'));
  webContents.on('audio-state-changed', ({ audible }) => events.push(`audible ${audible}`));
  const js = (code: string) => webContents.executeJavaScript(code, true);
  const has = (...wanted: string[]) => until(() => wanted.every((event) => events.includes(event)), 5_000);
  const take = () => events.splice(0).sort();
  await window.loadURL(`${site.origin}/one`);

  await see('sound of an element in no document', async () => {
    await js(`window.sound = new Audio(${tone}); sound.play()`);
    await has('started', 'audible true');
    return [...take(), webContents.isCurrentlyAudible()];
  });
  await see('sound paused', async () => {
    await js('sound.pause()');
    await has('paused', 'audible false');
    return [...take(), webContents.isCurrentlyAudible()];
  });
  await see('far voice of a call', async () => {
    await js(call);
    await has('started', 'audible true');
    return [...take(), webContents.isCurrentlyAudible()];
  });
  await see('navigating away ends media', async () => {
    await window.loadURL(`${site.origin}/two`);
    await has('paused', 'audible false');
    return [...take(), webContents.isCurrentlyAudible()];
  });
  window.destroy();
}
