import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BrowserPolicySettings, createBrowserPolicy } from '../../../../../agent/gate/browser-policy/browser-policy.ts';
import { type Ledger, openLedger } from '../../../../../agent/gate/ledger.ts';
import { recordedPreferences, recordedRegistry } from './recorded-state.ts';
import { HOST, order } from './staged-desk.ts';

let dir: string;
let ledger: Ledger;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-policy-'));
  ledger = await openLedger(dir);
});
afterEach(() => rm(dir, { recursive: true }));

async function hold(settings: Omit<BrowserPolicySettings, 'ledger'>, closed: boolean, hosts?: readonly string[]): Promise<string[]> {
  const status = await createBrowserPolicy({ ...settings, ledger }).hold(order(closed, hosts));
  return status.targets.map((one) => [one.target, one.state, ...one.notes.map(({ code }) => code)].join(' '));
}

describe('without a way to the policies', () => {
  it.each(['win32', 'darwin', 'freebsd'] as const)('%s is unsupported, and says so when closed', async (platform) => {
    expect(await hold({ platform }, true)).toEqual(['browsers degraded unsupported']);
    expect(await hold({ platform }, false)).toEqual([]);
  });
});

describe('the Windows registry', () => {
  const CHROME = 'HKLM\\Software\\Policies\\Google\\Chrome';
  const INSTALLED = 'HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\App Paths\\chrome.exe';
  const others = () => ({
    [INSTALLED]: { '': 'C:\\chrome.exe' },
    [`${CHROME}\\URLBlocklist`]: { 1: 'example.com', 7: 'example.org', note: 'x' },
  });
  const windows = (keys: Record<string, Record<string, string>>) => ({ platform: 'win32' as const, registry: recordedRegistry(keys) });

  it('gets numbered values beside the others’, of installed browsers only, and they alone go again', async () => {
    const keys: Record<string, Record<string, string>> = others();
    expect(await hold(windows(keys), true)).toEqual(['chrome written']);
    expect(keys[`${CHROME}\\URLBlocklist`]).toEqual({ 1: 'example.com', 7: 'example.org', note: 'x', 8: `.${HOST}` });
    expect(keys[`${CHROME}\\CookiesBlockedForUrls`]).toEqual({ 1: `https://${HOST}`, 2: `https://${HOST}:443` });
    const before = structuredClone(keys);
    expect(await hold(windows(keys), true)).toEqual(['chrome written']);
    expect(keys).toEqual(before);
    expect(await hold(windows(keys), false)).toEqual(['chrome written']);
    expect(keys[`${CHROME}\\URLBlocklist`]).toEqual(others()[`${CHROME}\\URLBlocklist`]);
    expect(keys[`${CHROME}\\CookiesBlockedForUrls`]).toEqual({});
    expect(ledger.entries()).toEqual([]);
  });

  it('does not take a value that another owner put there for its own', async () => {
    const keys = { ...others(), [`${CHROME}\\URLBlocklist`]: { 1: `.${HOST}` } };
    await hold(windows(keys), true);
    await hold(windows(keys), false);
    expect(keys[`${CHROME}\\URLBlocklist`]).toEqual({ 1: `.${HOST}` });
  });

  it('leaves a value of ours that somebody has changed', async () => {
    const keys = others();
    await hold(windows(keys), true);
    Object.assign(keys[`${CHROME}\\URLBlocklist`] ?? {}, { 8: 'changed.example.com' });
    await hold(windows(keys), false);
    expect(keys[`${CHROME}\\URLBlocklist`]).toMatchObject({ 8: 'changed.example.com' });
    expect(ledger.entries()).toEqual([]);
  });

  it('puts back what Group Policy took away', async () => {
    const keys: Record<string, Record<string, string>> = others();
    await hold(windows(keys), true);
    keys[`${CHROME}\\URLBlocklist`] = { 1: 'example.com' };
    expect(await hold(windows(keys), true)).toEqual(['chrome written changed-by-other']);
    expect(keys[`${CHROME}\\URLBlocklist`]).toEqual({ 1: 'example.com', 2: `.${HOST}` });
    await hold(windows(keys), false);
    expect(keys[`${CHROME}\\URLBlocklist`]).toEqual({ 1: 'example.com' });
  });

  it('follows the hosts of the order, and needs one', async () => {
    const keys: Record<string, Record<string, string>> = others();
    await hold(windows(keys), true, ['old.example.com']);
    await hold(windows(keys), true);
    expect(Object.values(keys[`${CHROME}\\URLBlocklist`] ?? {})).toEqual(['example.com', 'example.org', `.${HOST}`, 'x']);
    expect(await hold(windows(keys), true, [])).toEqual(['chrome degraded no-host']);
  });

  it('is in conflict with an exact allowing entry', async () => {
    const keys = { ...others(), [`${CHROME}\\URLAllowlist`]: { 1: `https://.${HOST}` } };
    expect(await hold(windows(keys), true)).toEqual(['chrome conflict foreign-allowlist']);
  });

  it('is told as degraded when it cannot be written', async () => {
    const registry = { ...recordedRegistry(others()), set: () => Promise.reject(new Error('access denied')) };
    expect(await hold({ platform: 'win32', registry }, true)).toEqual(['chrome degraded write-failed']);
    // What may have been written is known, so that it goes again.
    expect(ledger.entries()).toHaveLength(1);
  });
});

describe('the managed preferences of macOS', () => {
  const plist = '/Library/Managed Preferences/com.google.Chrome.plist';
  const mac = (lists: Record<string, readonly string[]>, mdm: boolean) => ({
    platform: 'darwin' as const,
    preferences: recordedPreferences(lists, mdm, ['com.google.Chrome']),
  });

  it('get items beside the others’, and lose them again', async () => {
    const lists: Record<string, readonly string[]> = { [`${plist} URLBlocklist`]: ['example.com'] };
    expect(await hold(mac(lists, true), true)).toEqual(['chrome written']);
    expect(lists[`${plist} URLBlocklist`]).toEqual(['example.com', `.${HOST}`]);
    expect(await hold(mac(lists, true), false)).toEqual(['chrome written']);
    expect(lists).toEqual({ [`${plist} URLBlocklist`]: ['example.com'] });
    expect(ledger.entries()).toEqual([]);
    expect(await hold(mac(lists, true), false)).toEqual(['chrome confirmed']);
  });

  it('count for nothing where macOS does not force them', async () => {
    expect(await hold(mac({}, false), true)).toEqual(['chrome degraded unsupported']);
  });

  it('are in conflict with an exact allowing entry, and need a host', async () => {
    const lists = { [`${plist} URLAllowlist`]: [`.${HOST}`] };
    expect(await hold(mac(lists, true), true)).toEqual(['chrome conflict foreign-allowlist']);
    expect(await hold(mac({}, true), true, [])).toEqual(['chrome degraded no-host']);
  });
});
