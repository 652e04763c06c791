import type { EnforcerNote, EnforcerState } from '../../../contracts/enforcer.ts';
import type { LedgerEntry } from '../../../contracts/ledger.ts';
import type { Enforcer, GateOrder } from '../enforcer.ts';
import type { Ledger } from '../ledger.ts';
import { allowsHost, blockableHosts, policyFor } from './policy-for.ts';
import { describe, note, statusOf, target } from './status.ts';

/** String values of the Windows registry, by full key. Each call rejects when it could not be done. */
export interface RegistryPort {
  /** Name to data; null where there is no such key. */
  values(key: string): Promise<ReadonlyMap<string, string> | null>;
  set(key: string, name: string, data: string): Promise<void>;
  /** Also where it is gone already. */
  remove(key: string, name: string): Promise<void>;
}

interface RegistryBrowser {
  target: string;
  key: string;
  /** There, once the browser is installed for all users. */
  installedKey: string;
}

const APP_PATHS = 'HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\App Paths';
const browsers: readonly RegistryBrowser[] = [
  { target: 'chrome', key: 'HKLM\\Software\\Policies\\Google\\Chrome', installedKey: `${APP_PATHS}\\chrome.exe` },
  { target: 'edge', key: 'HKLM\\Software\\Policies\\Microsoft\\Edge', installedKey: `${APP_PATHS}\\msedge.exe` },
  { target: 'chromium', key: 'HKLM\\Software\\Policies\\Chromium', installedKey: `${APP_PATHS}\\chromium.exe` },
];

type RegistryEntry = Extract<LedgerEntry, { kind: 'registry-value' }>;

/**
 * Adds numbered values to the browsers' lists and takes exactly these away again. Never more than `written`: browsers look
 * when Group Policy was applied, or after 15 min.
 */
export function createWindowsBrowserPolicy({ registry, ledger }: { registry: RegistryPort; ledger: Ledger }): Enforcer {
  const owned = () => ledger.entries().filter((entry): entry is RegistryEntry => entry.kind === 'registry-value');

  async function close({ key }: RegistryBrowser, order: GateOrder): Promise<{ state: EnforcerState; notes: EnforcerNote[] }> {
    const policy = policyFor(order.scope.ccpHosts);
    if (policy === null) return { state: 'degraded', notes: [note('no-host', 'no host of the CCP is known')] };
    const notes: EnforcerNote[] = [];
    for (const [list, items] of Object.entries(policy)) {
      const listKey = `${key}\\${list}`;
      await removeValues(owned().filter((entry) => entry.key === listKey && !items.includes(entry.data)));
      if (await addValues(listKey, items)) notes.push(note('changed-by-other', `${listKey} was put back`));
    }
    const allowed = [...((await registry.values(`${key}\\URLAllowlist`)) ?? []).values()];
    const hosts = blockableHosts(order.scope.ccpHosts);
    const foreign = allowed.find((entry) => hosts.some((host) => allowsHost(entry, host)));
    if (foreign === undefined) return { state: 'written', notes };
    return { state: 'conflict', notes: [...notes, note('foreign-allowlist', `${key}\\URLAllowlist: ${foreign}`)] };
  }

  /** True when something of ours had been taken away. Others' values keep their numbers. */
  async function addValues(listKey: string, items: readonly string[]): Promise<boolean> {
    const there = new Map((await registry.values(listKey)) ?? []);
    let highest = Math.max(0, ...[...there.keys()].filter((name) => /^\d{1,6}$/.test(name)).map(Number));
    let putBack = false;
    for (const data of items) {
      if ([...there.values()].includes(data)) continue;
      const before = owned().filter((entry) => entry.key === listKey && entry.data === data);
      putBack ||= before.length > 0;
      highest += 1;
      const entry: RegistryEntry = { kind: 'registry-value', enforcer: 'browser-policy', key: listKey, name: String(highest), data };
      await ledger.record([entry]);
      await registry.set(listKey, entry.name, data);
      await ledger.forget(before.filter((one) => one.name !== entry.name));
    }
    return putBack;
  }

  /** A value that somebody gave another meaning is no longer ours. */
  async function removeValues(entries: readonly RegistryEntry[]): Promise<void> {
    for (const entry of entries) {
      if ((await registry.values(entry.key))?.get(entry.name) === entry.data) await registry.remove(entry.key, entry.name);
      await ledger.forget([entry]);
    }
  }

  return {
    name: 'browser-policy',
    async hold(order) {
      const targets = [];
      for (const browser of browsers) {
        try {
          const ours = owned().filter((entry) => entry.key.startsWith(`${browser.key}\\`));
          const isPresent = [browser.installedKey, browser.key].map((key) => registry.values(key));
          if (ours.length === 0 && (await Promise.all(isPresent)).every((values) => values === null)) continue;
          let found: Awaited<ReturnType<typeof close>> = { state: 'confirmed', notes: [] };
          if (order.closed) found = await close(browser, order);
          else {
            await removeValues(ours);
            if (ours.length > 0) found = { state: 'written', notes: [] };
          }
          targets.push(target(browser.target, found.state, found.notes));
        } catch (error) {
          targets.push(target(browser.target, 'degraded', [note('write-failed', describe(error))]));
        }
      }
      return statusOf(order.closed, targets);
    },
  };
}
