import { uptime } from 'node:os';
import type { MicrophoneWord } from '../microphone.ts';
import type { RunTool } from './run-tool.ts';
import { type MicrophoneUse, readConsentStore, readPeople } from './windows-answers.ts';

const regPaths = ['C:\\Windows\\System32\\reg.exe'];
const STORE = 'Software\\Microsoft\\Windows\\CurrentVersion\\CapabilityAccessManager\\ConsentStore\\microphone';
/** A terminal server has more; there nothing proves the absence of a call anyway. */
const MOST_PEOPLE = 8;

/**
 * Windows notes who uses a microphone in each user's own part of the registry. The user may write there, and entries of some
 * programs are missing: it is a word of the session's side, and never a proof of `idle`.
 */
export async function lookOnWindows(run: RunTool): Promise<MicrophoneWord[]> {
  const hives = await run({ paths: regPaths, args: ['query', 'HKEY_USERS'] });
  if (hives === null) return [{ side: 'session', says: 'unknown' }];
  const people = readPeople(hives);
  const bootedAtMs = Date.now() - uptime() * 1_000;
  const stores = people.slice(0, MOST_PEOPLE).map(async (sid): Promise<MicrophoneUse> => {
    const store = await run({ paths: regPaths, args: ['query', `HKEY_USERS\\${sid}\\${STORE}`, '/s'] });
    return store === null ? 'unknown' : readConsentStore(store, bootedAtMs);
  });
  const uses = await Promise.all(stores);
  if (uses.includes('browser')) return [{ side: 'session', says: 'on-call' }];
  const isIdle = people.length <= MOST_PEOPLE && uses.every((use) => use === 'no-browser');
  return [{ side: 'session', says: isIdle ? 'idle' : 'unknown' }];
}
