import type { HostPort, Platform, SessionHost, Vantage } from '../../checks/host.ts';
import { listAudioDevices, lookAtMicrophone } from './look-at-microphone.ts';
import { type Connect, lookAtPath } from './look-at-path.ts';

export interface Page {
  media: MediaDevices | undefined;
  Connection: Connect;
  platform: Platform;
}

/** What a page of the user's session sees. */
export function sessionHost({ media, Connection, platform }: Page, turn: readonly HostPort[], vantage: Vantage): SessionHost {
  return {
    venue: 'session',
    platform,
    vantage,
    clock: { wallMs: Date.now, monotonicMs: () => performance.now() },
    media: {
      lookAtMicrophone: (deadlineMs) => lookAtMicrophone(media, deadlineMs),
      devices: () => listAudioDevices(media),
    },
    webrtc: { lookAtPath: (servers, deadlineMs) => lookAtPath(Connection, servers, deadlineMs) },
    turn,
  };
}
