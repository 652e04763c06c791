import type { EnforcerNote, EnforcerState } from '../../../contracts/enforcer.ts';
import type { LedgerEntry } from '../../../contracts/ledger.ts';
import type { Enforcer } from '../enforcer.ts';
import type { Ledger } from '../ledger.ts';
import { allowsHost, blockableHosts, policyFor } from './policy-for.ts';
import { describe, note, statusOf, target, worse } from './status.ts';

/** Lists in the managed preferences of macOS. Each call rejects when it could not be done. */
export interface PreferencesPort {
  /** Of a file of managed preferences; null where there is no such file or list. */
  list(path: string, key: string): Promise<readonly string[] | null>;
  /** Null takes the list away. */
  setList(path: string, key: string, items: readonly string[] | null): Promise<void>;
  /** What macOS really forces on the program; null where it forces nothing. */
  forced(domain: string, key: string): Promise<readonly string[] | null>;
  isInstalled(domain: string): Promise<boolean>;
}

const MANAGED_DIR = '/Library/Managed Preferences';
const browsers = [
  { target: 'chrome', domain: 'com.google.Chrome' },
  { target: 'edge', domain: 'com.microsoft.Edge' },
  { target: 'chromium', domain: 'org.chromium.Chromium' },
] as const;

type PlistEntry = Extract<LedgerEntry, { kind: 'plist-items' }>;

/**
 * Adds items to the lists of managed preferences. Without an MDM, macOS takes no notice of them: that is told, and nothing
 * here makes up for it.
 */
export function createMacBrowserPolicy({ preferences, ledger }: { preferences: PreferencesPort; ledger: Ledger }): Enforcer {
  const owned = (path: string) =>
    ledger.entries().filter((entry): entry is PlistEntry => entry.kind === 'plist-items' && entry.path === path);

  async function add(path: string, domain: string, key: string, items: readonly string[]): Promise<EnforcerState> {
    const there = (await preferences.list(path, key)) ?? [];
    const missing = items.filter((item) => !there.includes(item));
    if (missing.length > 0) {
      await ledger.record([{ kind: 'plist-items', enforcer: 'browser-policy', path, key, items: missing }]);
      await preferences.setList(path, key, [...there, ...missing]);
    }
    const forced = (await preferences.forced(domain, key)) ?? [];
    return items.every((item) => forced.includes(item)) ? 'written' : 'degraded';
  }

  async function remove(path: string): Promise<boolean> {
    const entries = owned(path);
    for (const entry of entries) {
      const there = await preferences.list(path, entry.key);
      const left = there?.filter((item) => !entry.items.includes(item)) ?? [];
      if (there !== null && left.length < there.length) await preferences.setList(path, entry.key, left.length > 0 ? left : null);
      await ledger.forget([entry]);
    }
    return entries.length > 0;
  }

  async function close(path: string, domain: string, hosts: readonly string[]): Promise<{ state: EnforcerState; notes: EnforcerNote[] }> {
    const policy = policyFor(hosts);
    if (policy === null) return { state: 'degraded', notes: [note('no-host', 'no host of the CCP is known')] };
    const notes: EnforcerNote[] = [];
    let state: EnforcerState = 'written';
    for (const [key, items] of Object.entries(policy)) state = worse(state, await add(path, domain, key, items));
    if (state === 'degraded') notes.push(note('unsupported', `macOS does not force ${path}: an MDM has to`));
    const allowed = (await preferences.forced(domain, 'URLAllowlist')) ?? [];
    const foreign = allowed.find((entry) => blockableHosts(hosts).some((host) => allowsHost(entry, host)));
    if (foreign === undefined) return { state, notes };
    return { state: 'conflict', notes: [...notes, note('foreign-allowlist', `${domain}: ${foreign}`)] };
  }

  return {
    name: 'browser-policy',
    async hold({ closed, scope }) {
      const targets = [];
      for (const { target: name, domain } of browsers) {
        const path = `${MANAGED_DIR}/${domain}.plist`;
        try {
          if (owned(path).length === 0 && !(await preferences.isInstalled(domain))) continue;
          if (closed) {
            const { state, notes } = await close(path, domain, scope.ccpHosts);
            targets.push(target(name, state, notes));
          } else targets.push(target(name, (await remove(path)) ? 'written' : 'confirmed'));
        } catch (error) {
          targets.push(target(name, 'degraded', [note('write-failed', describe(error))]));
        }
      }
      return statusOf(closed, targets);
    },
  };
}
