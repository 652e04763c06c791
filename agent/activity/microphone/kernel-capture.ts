import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { isAgentsBrowser } from './process-owner.ts';

export interface KernelPlaces {
  procDir: string;
  asoundDir: string;
  sysClassDir: string;
}

/** `unknown`: somebody may record, and not provably a browser. */
export type KernelCapture = 'browser' | 'nobody' | 'unknown';

/** Of cards, devices or substreams; a workstation has some ten. */
const MOST_LISTED = 512;

/** What the kernel knows of recording: sound cards, USB ones too, and Bluetooth links, which are no sound cards to it. */
export async function readKernelCapture(agentUids: readonly number[], places: KernelPlaces): Promise<KernelCapture> {
  try {
    const substreams = await listCaptureSubstreams(places);
    if (!substreams) return 'unknown';
    const states = await Promise.all(substreams.map((substream) => readIfThere(path.join(substream, 'status'))));
    const open = states.filter((state) => state !== null && state.trim() !== 'closed') as string[];
    const owned = await Promise.all(open.map((state) => isAgentsBrowser(readOwner(state), agentUids, places.procDir)));
    if (owned.includes(true)) return 'browser';
    if (open.length > 0 || (await hasBluetoothLink(places.sysClassDir))) return 'unknown';
    return 'nobody';
  } catch {
    return 'unknown';
  }
}

/**
 * Any state but `closed` is somebody's: a stream that overruns (`XRUN`) is a call's as much as one that runs. The owner is the
 * thread that opened the device; 0 is one of another pid namespace.
 */
function readOwner(status: string): number {
  return Number(/^owner_pid\s*: (\d{1,10})$/m.exec(status)?.[1] ?? 0);
}

/** Null where there are sound cards of which the kernel shows no streams. */
async function listCaptureSubstreams({ asoundDir, sysClassDir }: KernelPlaces): Promise<string[] | null> {
  if ((await listIfThere(asoundDir)) === null) {
    const sound = (await readdir(sysClassDir)).includes('sound') ? await listIfThere(path.join(sysClassDir, 'sound')) : null;
    return sound?.some((name) => /^card\d+$/.test(name)) ? null : [];
  }
  const cards = await listMatching([asoundDir], /^card\d+$/);
  return listMatching(await listMatching(cards, /^pcm\d+c$/), /^sub\d+$/);
}

/**
 * A link to a headset cannot be told from one to a mouse, nor whether it carries sound: with any, there is no proof. An
 * adapter without a link carries none.
 */
async function hasBluetoothLink(sysClassDir: string): Promise<boolean> {
  if (!(await readdir(sysClassDir)).includes('bluetooth')) return false;
  const names = await readdir(path.join(sysClassDir, 'bluetooth'));
  return names.some((name) => /^hci\d+:\d+$/.test(name));
}

async function listMatching(dirs: readonly string[], pattern: RegExp): Promise<string[]> {
  const lists = await Promise.all(
    dirs.map(async (dir) => ((await listIfThere(dir)) ?? []).filter((name) => pattern.test(name)).map((name) => path.join(dir, name))),
  );
  const found = lists.flat();
  if (found.length > MOST_LISTED) throw new RangeError(`more than ${MOST_LISTED} in ${dirs[0]}`);
  return found;
}

/** A card that is unplugged meanwhile is gone. */
function listIfThere(dir: string): Promise<string[] | null> {
  return readdir(dir).catch(nullIfGone);
}

function readIfThere(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch(nullIfGone);
}

function nullIfGone(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENODEV') return null;
  throw error;
}
