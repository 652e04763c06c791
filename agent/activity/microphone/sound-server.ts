import { createReadStream } from 'node:fs';
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
const SOCKET_LINE = /^\S+: \S+ \S+ (\S+) \S+ \S+ +\d+ (\/.*)$/;
/** `__SO_ACCEPTCON`: somebody listens. A file in a runtime directory would outlive its server. */
const LISTENS = 0x10000;
/** A desktop's table comes to some 100 kB, but any user can open sockets by the hundred thousand. */
const MOST_TABLE_CHARS = 4 * 1024 * 1024;
/** The kernel gives a page at a time, and slowly where somebody has filled its table. */
const TABLE_MS = 1_000;

/**
 * The sound servers that listen for these users, one a user; null when the kernel does not tell, or too much. It is the kernel
 * that is asked, since a user can have a file system of his own in his runtime directory, which need never answer.
 */
export async function findSoundServers(uids: readonly number[], places: SoundServerPlaces): Promise<SoundServer[] | null> {
  const users = uids.map((uid) => {
    const runtimeDir = path.join(places.runtimeDirs, String(uid));
    return { uid, runtimeDir, pulse: path.join(runtimeDir, 'pulse/native'), pipewire: path.join(runtimeDir, 'pipewire-0') };
  });
  const wanted = new Set(users.flatMap(({ pulse, pipewire }) => [pulse, pipewire]));
  const listening = await findListening(wanted, places.unixSocketsFile).catch(() => null);
  if (listening === null) return null;
  return users.flatMap(({ uid, runtimeDir, pulse, pipewire }): SoundServer[] => {
    // PipeWire's own replacement of PulseAudio knows the streams of both kinds.
    if (listening.has(pulse)) return [{ uid, speaks: 'pulse', runtimeDir }];
    if (listening.has(pipewire)) return [{ uid, speaks: 'pipewire', runtimeDir }];
    return [];
  });
}

async function findListening(wanted: ReadonlySet<string>, unixSocketsFile: string): Promise<ReadonlySet<string> | null> {
  const listening = new Set<string>();
  let chars = 0;
  let begun = '';
  const table = createReadStream(unixSocketsFile, { encoding: 'utf8', signal: AbortSignal.timeout(TABLE_MS) });
  for await (const chunk of table as AsyncIterable<string>) {
    chars += chunk.length;
    if (chars > MOST_TABLE_CHARS) return null;
    const lines = (begun + chunk).split('\n');
    begun = lines.pop() ?? '';
    for (const line of lines) {
      const [, flags, name] = SOCKET_LINE.exec(line) ?? [];
      if (name !== undefined && wanted.has(name) && Number.parseInt(flags ?? '', 16) & LISTENS) listening.add(name);
    }
  }
  return listening;
}

/** Who records through it, as it says. */
export async function askSoundServer({ uid, speaks, runtimeDir }: SoundServer, run: RunTool): Promise<Capture> {
  if (speaks === 'pipewire') {
    // Settings only of the distribution's: those of the user can name programs to run.
    const env = { XDG_RUNTIME_DIR: runtimeDir, PIPEWIRE_CONFIG_DIR: '/usr/share/pipewire', LC_ALL: 'C.UTF-8' };
    const graph = await run({ paths: pwDumpPaths, args: [], uid, env });
    return graph === null ? 'unknown' : readPipewireGraph(graph);
  }
  // A server that is named, and no settings of the user's: else the tool would start one where there is none.
  const env = { PULSE_SERVER: `unix:${runtimeDir}/pulse/native`, PULSE_CLIENTCONFIG: '/dev/null', LC_ALL: 'C.UTF-8' };
  const outputs = await run({ paths: pactlPaths, args: ['-f', 'json', 'list', 'source-outputs'], uid, env });
  return outputs === null ? 'unknown' : readSourceOutputs(outputs);
}
