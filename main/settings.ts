import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { LocaleChoice } from '../contracts/ipc.ts';

const Coordinate = z.int().min(-100_000).max(100_000);
const Extent = z.int().min(1).max(100_000);

export const WindowBounds = z.strictObject({ x: Coordinate, y: Coordinate, width: Extent, height: Extent });
export type WindowBounds = z.infer<typeof WindowBounds>;

/**
 * What the app remembers of this user. Nothing here decides anything: a user may write into it what he likes. What a newer
 * version wrote beside it is left out.
 */
export const Settings = z.object({
  schema: z.literal(1),
  locale: LocaleChoice.default('auto'),
  windows: z.strictObject({ posture: WindowBounds.optional(), ccp: WindowBounds.optional() }).default({}),
  /** The CCP's window was open when the app last ended. */
  ccpOpen: z.boolean().default(false),
  /** Set once; afterwards the operating system's own list holds what the user wants. */
  startsAtLogin: z.boolean().default(false),
});
export type Settings = z.infer<typeof Settings>;

const MAX_BYTES = 64 * 1024;

export interface SettingsFile {
  current(): Settings;
  /** On the disk when it returns. A disk that refuses costs the memory of it, and nothing else. */
  change(what: Partial<Omit<Settings, 'schema'>>): void;
}

/** A file that is missing, cannot be read or does not parse is as if there was none: the next change writes a good one. */
export function openSettings(filePath: string, onTrouble: (detail: string) => void): SettingsFile {
  let settings = read(filePath, onTrouble);
  return {
    current: () => settings,
    change(what) {
      settings = { ...settings, ...what };
      try {
        write(filePath, `${JSON.stringify(settings)}\n`);
      } catch (error) {
        onTrouble(String(error));
      }
    },
  };
}

function read(filePath: string, onTrouble: (detail: string) => void): Settings {
  try {
    if (statSync(filePath).size > MAX_BYTES) throw new Error(`${filePath} is larger than ${MAX_BYTES} bytes`);
    return Settings.parse(JSON.parse(readFileSync(filePath, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onTrouble(String(error));
    return Settings.parse({ schema: 1 });
  }
}

/** Whoever reads meanwhile, and whatever ends the process, finds the old or the new. */
function write(filePath: string, text: string): void {
  const freshPath = `${filePath}.new`;
  const file = openSync(freshPath, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(freshPath, filePath);
}
