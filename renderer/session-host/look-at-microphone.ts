import type { AudioDevice, MicrophoneLook, MicrophoneRefusal } from '../../checks/softphone/observations.ts';

/** As the CCP asks for it (connect-rtc-js, `_buildMediaConstraints`): whatever the operating system's default is. */
const constraints = { audio: true };
/** Some drivers say "muted" of a track until its first buffer. */
const UNMUTE_MS = 300;

/**
 * Opens the microphone, reads what the track says of itself, and closes it. Its sound is never read: the stream goes to no
 * element, no recorder and no connection. Null where pages have no microphone.
 */
export async function lookAtMicrophone(media: MediaDevices | undefined, deadlineMs: number): Promise<MicrophoneLook | null> {
  if (media?.getUserMedia === undefined) return null;
  const askedMs = performance.now();
  const asked = media.getUserMedia(constraints).then(
    (stream) => ({ stream }),
    (error: unknown) => ({ error }),
  );
  const answer = await Promise.race([asked, waited(deadlineMs)]);
  const openedMs = performance.now();
  const tookMs = Math.round(openedMs - askedMs);
  if (answer === null) {
    // Who allows it later finds nobody listening.
    void asked.then((late) => 'stream' in late && close(late.stream));
    return { opened: false, refusal: 'no-answer', detail: `no answer within ${deadlineMs} ms`, tookMs };
  }
  if ('error' in answer) return { opened: false, refusal: refusalOf(answer.error), detail: nameOf(answer.error), tookMs };
  const { stream } = answer;
  try {
    const [track] = stream.getAudioTracks();
    if (track === undefined) return { opened: false, refusal: 'other', detail: 'a stream without a track', tookMs };
    if (track.muted) await Promise.race([unmuted(track), waited(UNMUTE_MS)]);
    const { label, muted, readyState } = track;
    const sampleRateHz = track.getSettings().sampleRate ?? null;
    close(stream);
    const openMs = Math.round(performance.now() - openedMs);
    return { opened: true, label, muted, live: readyState === 'live', sampleRateHz, tookMs, openMs };
  } finally {
    close(stream);
  }
}

export async function listAudioDevices(media: MediaDevices | undefined): Promise<AudioDevice[]> {
  const devices = (await media?.enumerateDevices()) ?? [];
  return devices.flatMap(({ kind, label, deviceId }) => {
    if (kind === 'videoinput') return [];
    return [{ kind: kind === 'audioinput' ? ('input' as const) : ('output' as const), label, isDefault: deviceId === 'default' }];
  });
}

const refusals: Readonly<Record<string, MicrophoneRefusal>> = {
  NotAllowedError: 'not-allowed',
  NotFoundError: 'not-found',
  NotReadableError: 'not-readable',
};

function refusalOf(error: unknown): MicrophoneRefusal {
  const name = error instanceof DOMException ? error.name : '';
  return Object.hasOwn(refusals, name) ? (refusals[name] ?? 'other') : 'other';
}

function nameOf(error: unknown): string {
  return String(error).slice(0, 200);
}

function close(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

function unmuted(track: MediaStreamTrack): Promise<void> {
  return new Promise((resolve) => track.addEventListener('unmute', () => resolve(), { once: true }));
}

function waited(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, ms, null));
}
