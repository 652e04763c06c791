import type { HostPort } from '../../checks/host.ts';
import type { TurnLook, WebRtcLook } from '../../checks/softphone/observations.ts';

/** No server knows them: its refusal is the answer that is looked for, and nothing is ever allocated. */
const nobody = { username: 'deskwarden', credential: 'none' };
/** Own candidates come at once; measured 20 ms. */
const OWN_MS = 2_000;

/** The page's own, or none where it was taken away. */
export type Connect = typeof RTCPeerConnection | undefined;

/** Makes offers that nobody gets, and hears what gathering says. */
export async function lookAtPath(Connection: Connect, turn: readonly HostPort[], deadlineMs: number): Promise<WebRtcLook> {
  if (Connection === undefined) return { available: false, opus: null, ownUdp: null, servers: [] };
  const [relay, ownUdp] = await Promise.all([askServers(Connection, turn, deadlineMs), countOwnUdp(Connection)]);
  return { available: true, ...relay, ownUdp };
}

async function askServers(Connection: NonNullable<Connect>, turn: readonly HostPort[], deadlineMs: number) {
  const startedMs = performance.now();
  const servers: TurnLook[] = turn.map(({ host, port }) => ({ host, port, code: null, relayed: false, tookMs: null }));
  const iceServers = turn.map((one) => ({ urls: urlOf(one), ...nobody }));
  // As the CCP connects (connect-rtc-js, rtc_const.js): relayed, or not at all.
  const connection = new Connection({ iceServers, iceTransportPolicy: 'relay', rtcpMuxPolicy: 'require', bundlePolicy: 'balanced' });
  const answerOf = (url: string | null) => servers.find((one) => url === urlOf(one));
  const isAnswered = () => servers.every((one) => one.relayed || (one.code !== null && one.code < 700));
  try {
    const over = new Promise<void>((resolve) => {
      setTimeout(resolve, deadlineMs);
      connection.addEventListener('icegatheringstatechange', () => connection.iceGatheringState === 'complete' && resolve());
      connection.addEventListener('icecandidateerror', ({ url, errorCode }) => {
        const server = answerOf(url);
        // Each address of this computer asks; whoever was answered once was reached.
        if (server && (server.code === null || server.code >= 700)) Object.assign(server, { code: errorCode, tookMs: since(startedMs) });
        if (isAnswered()) resolve();
      });
      connection.addEventListener('icecandidate', ({ candidate, url = null }: RTCPeerConnectionIceEvent & { url?: string | null }) => {
        const server = candidate?.type === 'relay' ? answerOf(url) : undefined;
        if (server) Object.assign(server, { relayed: true, tookMs: since(startedMs) });
        if (isAnswered() && turn.length > 0) resolve();
      });
    });
    const opus = await offer(connection);
    if (turn.length > 0 && opus !== null) await over;
    return { opus, servers };
  } finally {
    connection.close();
  }
}

/** Without servers and without a restriction to relays: what of this computer WebRTC may use. Only counted. */
async function countOwnUdp(Connection: NonNullable<Connect>): Promise<number | null> {
  const connection = new Connection();
  let count = 0;
  try {
    const over = new Promise<void>((resolve) => {
      setTimeout(resolve, OWN_MS);
      connection.addEventListener('icecandidate', ({ candidate }) => {
        if (candidate === null) resolve();
        else if (candidate.protocol === 'udp') count++;
      });
    });
    if ((await offer(connection)) === null) return null;
    await over;
    return count;
  } finally {
    connection.close();
  }
}

/** Starts the gathering. True when Opus is offered; null when no offer could be made. */
async function offer(connection: RTCPeerConnection): Promise<boolean | null> {
  try {
    connection.addTransceiver('audio');
    const made = await connection.createOffer();
    await connection.setLocalDescription(made);
    return /^a=rtpmap:\d+ opus\/48000/im.test(made.sdp ?? '');
  } catch {
    return null;
  }
}

/** Chromium finds no address for a TURN server whose name has capitals, as Amazon's documented ones do. */
function urlOf({ host, port }: HostPort): string {
  return `turn:${host.toLowerCase()}:${port}?transport=udp`;
}

function since(startedMs: number): number {
  return Math.round(performance.now() - startedMs);
}
