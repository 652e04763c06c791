import type { CallActivity } from '../../../contracts/gate.ts';
import type { MicrophoneWord } from '../microphone.ts';
import { type KernelPlaces, readKernelCapture } from './kernel-capture.ts';
import type { RunTool } from './run-tool.ts';
import { askSoundServer, type Capture, findSoundServers, type SoundServerPlaces } from './sound-server.ts';

export type LinuxPlaces = KernelPlaces & SoundServerPlaces;

export const LINUX_PLACES: LinuxPlaces = {
  procDir: '/proc',
  asoundDir: '/proc/asound',
  sysClassDir: '/sys/class',
  unixSocketsFile: '/proc/net/unix',
  runtimeDirs: '/run/user',
};

/** Each question costs a process; a desk has one user or two. */
const MOST_SERVERS = 8;

const sessionSays: Record<Capture, CallActivity> = { browser: 'on-call', nobody: 'idle', other: 'unknown', unknown: 'unknown' };

/**
 * A browser mostly records through its user's sound server, which then owns the sound card: the kernel tells that somebody
 * records, the server who. The server is the user's own program, so what it says of a browser nobody vouches for.
 *
 * `idle` is a proof of the kernel's where no agent has a sound server. Where one has, it might hold a source that is no
 * device of this computer, such as another computer's microphone, and the proof is only whole when the server, too, tells
 * of nobody. Who fakes that answer gives up his own call alone.
 */
export async function lookOnLinux(agentUids: readonly number[], places: LinuxPlaces, run: RunTool): Promise<MicrophoneWord[]> {
  const kernel = await readKernelCapture(agentUids, places);
  if (kernel === 'browser') return [{ side: 'privileged', says: 'on-call' }];
  const servers = await findSoundServers(agentUids, places);
  const asked = await Promise.all(servers?.slice(0, MOST_SERVERS).map((server) => askSoundServer(server, run)) ?? []);
  const session = servers && servers.length > MOST_SERVERS ? foldCaptures([...asked, 'unknown']) : foldCaptures(asked);
  const isProven = servers !== null && kernel === 'nobody' && session === 'nobody';
  const privileged: MicrophoneWord = { side: 'privileged', says: isProven ? 'idle' : 'unknown' };
  return asked.length === 0 ? [privileged] : [privileged, { side: 'session', says: sessionSays[session] }];
}

function foldCaptures(captures: readonly Capture[]): Capture {
  const worst: readonly Capture[] = ['browser', 'unknown', 'other'];
  return worst.find((capture) => captures.includes(capture)) ?? 'nobody';
}
