import { isBrowserName } from './browser-names.ts';

export type MicrophoneUse = 'browser' | 'no-browser' | 'unknown';

/** 100 ns since 1601. */
const FILETIME_EPOCH_MS = 11_644_473_600_000;
/** What the clock may have been set by since boot. */
const CLOCK_SLACK_MS = 5 * 60_000;

/** `reg query HKEY_USERS`: who is signed in, by local or by Entra account; services and the classes of each are not people. */
export function readPeople(text: string): string[] {
  return [...text.matchAll(/^HKEY_USERS\\(S-1-(?:5-21|12-1)(?:-\d{1,10}){4})\s*$/gm)].map(([, sid]) => sid as string);
}

/**
 * `reg query …\ConsentStore\microphone /s`. A program that records has a start and a stop of nought. A computer that lost its
 * power leaves such entries for ever: those that began before this boot are none.
 */
export function readConsentStore(text: string, bootedAtMs: number): MicrophoneUse {
  const keys = text.split(/^(?=HKEY_USERS\\)/m).filter((part) => part.startsWith('HKEY_USERS\\'));
  if (keys.length === 0) return 'unknown';
  const holders = keys.filter((key) => {
    const startedAt = readQword(key, 'LastUsedTimeStart');
    if (startedAt === null || startedAt === 0n || readQword(key, 'LastUsedTimeStop') !== 0n) return false;
    return Number(startedAt / 10_000n) - FILETIME_EPOCH_MS >= bootedAtMs - CLOCK_SLACK_MS;
  });
  return holders.some((key) => isBrowserKey(key.split(/\r?\n/, 1)[0] ?? '')) ? 'browser' : 'no-browser';
}

/** A desktop program's key is its path with `#` for each `\`, a store program's the name of its package. */
function isBrowserKey(key: string): boolean {
  const program = key.trimEnd().split('\\').at(-1) ?? '';
  return isBrowserName(program.replaceAll('#', '\\')) || program.startsWith('Mozilla.Firefox');
}

function readQword(key: string, name: string): bigint | null {
  const value = new RegExp(`^\\s+${name}\\s+REG_QWORD\\s+(0x[0-9a-f]{1,16})\\s*$`, 'im').exec(key)?.[1];
  return value === undefined ? null : BigInt(value);
}
