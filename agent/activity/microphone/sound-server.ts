import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunTool } from './run-tool.ts';
import { type Capture, readPipewireGraph, readSourceOutputs } from './sound-server-answers.ts';

export type { Capture };

export interface SoundServerPlaces {
  unixSocketsFile: string;
  /** Has a directory for each user. */
  runtimeDirs: string;
}

export interface SoundServer {
  uid: number;
  speaks: 'pulse' | 'pipewire';
  runtimeDir: string;
}

const pactlPaths = ['/usr/bin/pactl', '/bin/pactl'];
const pwDumpPaths = ['/usr/bin/pw-dump', '/bin/pw-dump'];

/** As the kernel prints it: six columns, flags in the fourth, then the path. */
const SOCKET_LINE = /^\S+: \S+ \S+ (\S+) \S+ \S+ +\d+ (\/.*)$/gm;
/** `__SO_ACCEPTCON`: somebody listens. A file in a runtime directory would outlive its server. */
const LISTENS = 0x10000;

/**
 * The sound servers that listen for these users, one a user; null when the kernel does not tell. It is the kernel that is
 * asked, since a user can have a file system of his own in his runtime directory, which need never answer.
 */
export async function findSoundServers(uids: readonly number[], places: SoundServerPlaces): Promise<SoundServer[] | null> {
  const table = await readFile(places.unixSocketsFile, 'utf8').catch(() => null);
  if (table === null) return null;
  const listening = new Set(
    [...table.matchAll(SOCKET_LINE)].filter(([, flags]) => Number.parseInt(flags ?? '', 16) & LISTENS).map(([, , name]) => name),
  );
  return uids.flatMap((uid): SoundServer[] => {
    const runtimeDir = path.join(places.runtimeDirs, String(uid));
    // PipeWire's own replacement of PulseAudio knows the streams of both kinds.
    if (listening.has(path.join(runtimeDir, 'pulse/native'))) return [{ uid, speaks: 'pulse', runtimeDir }];
    if (listening.has(path.join(runtimeDir, 'pipewire-0'))) return [{ uid, speaks: 'pipewire', runtimeDir }];
    return [];
  });
}

/** Who records through it, as it says. */
export async function askSoundServer({ uid, speaks, runtimeDir }: SoundServer, run: RunTool): Promise<Capture> {
  if (speaks === 'pipewire') {
    const graph = await run({ paths: pwDumpPaths, args: [], uid, env: { XDG_RUNTIME_DIR: runtimeDir, LC_ALL: 'C.UTF-8' } });
    return graph === null ? 'unknown' : readPipewireGraph(graph);
  }
  // A server that is named, and no settings of the user's: else the tool would start one where there is none.
  const env = { PULSE_SERVER: `unix:${runtimeDir}/pulse/native`, PULSE_CLIENTCONFIG: '/dev/null', LC_ALL: 'C.UTF-8' };
  const outputs = await run({ paths: pactlPaths, args: ['-f', 'json', 'list', 'source-outputs'], uid, env });
  return outputs === null ? 'unknown' : readSourceOutputs(outputs);
}
