import type { PreferencesPort } from '../../../../../agent/gate/browser-policy/mac-browser-policy.ts';
import type { RegistryPort } from '../../../../../agent/gate/browser-policy/windows-browser-policy.ts';

/** A registry: full key, then its values. It refuses what a policy writer has no business with. */
export function recordedRegistry(keys: Record<string, Record<string, string>>): RegistryPort {
  const mine = (key: string) => {
    if (!/^HKLM\\Software\\Policies\\.*\\(URLBlocklist|CookiesBlockedForUrls)$/.test(key)) throw new Error(`not to be written: ${key}`);
  };
  return {
    async values(key) {
      const found = Object.keys(keys).some((one) => one === key || one.startsWith(`${key}\\`));
      return found ? new Map(Object.entries(keys[key] ?? {})) : null;
    },
    async set(key, name, data) {
      mine(key);
      keys[key] = { ...keys[key], [name]: data };
    },
    async remove(key, name) {
      mine(key);
      delete keys[key]?.[name];
    },
  };
}

/** Files of managed preferences, by `path key`; an MDM makes macOS force what stands in them. */
export function recordedPreferences(lists: Record<string, readonly string[]>, mdm: boolean, installed: readonly string[]): PreferencesPort {
  return {
    list: async (path, key) => lists[`${path} ${key}`] ?? null,
    async setList(path, key, items) {
      if (items === null) delete lists[`${path} ${key}`];
      else lists[`${path} ${key}`] = items;
    },
    forced: async (domain, key) => (mdm ? (lists[`/Library/Managed Preferences/${domain}.plist ${key}`] ?? null) : null),
    isInstalled: async (domain) => installed.includes(domain),
  };
}
