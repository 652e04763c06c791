/** What a page of the user's session can see. Plain data. */

export interface AudioDevice {
  kind: 'input' | 'output';
  label: string;
  /** The operating system's choice; browsers list it beside the device that it is. */
  isDefault: boolean;
}

export type MicrophoneRefusal = 'not-allowed' | 'not-found' | 'not-readable' | 'no-answer' | 'other';

export type MicrophoneLook =
  | {
      opened: true;
      label: string;
      /** The track says that it gives silence: a switch on the headset, or the operating system. */
      muted: boolean;
      live: boolean;
      sampleRateHz: number | null;
      /** From the request until it was open. */
      tookMs: number;
      /** For how long it was open. */
      openMs: number;
    }
  | { opened: false; refusal: MicrophoneRefusal; detail: string; tookMs: number };

export interface TurnLook {
  host: string;
  port: number;
  /** Of `icecandidateerror`: a STUN error code from the server, such as 401, or 701 for a server that was not reached. Null for none. */
  code: number | null;
  /** A relay candidate was gathered: the server took credentials that are none. */
  relayed: boolean;
  tookMs: number | null;
}

export interface WebRtcLook {
  /** False where a policy or an extension has taken RTCPeerConnection away. */
  available: boolean;
  /** The offer of an audio call names Opus. Null when no offer was made. */
  opus: boolean | null;
  /** UDP candidates of this computer itself. None where the WebRTC policy keeps calls off UDP, or there is no network. */
  ownUdp: number | null;
  servers: TurnLook[];
}
