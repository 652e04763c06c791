import type { Enforcer } from '../enforcer.ts';
import type { Ledger } from '../ledger.ts';
import { createLinuxBrowserPolicy } from './linux-browser-policy.ts';
import { createMacBrowserPolicy, type PreferencesPort } from './mac-browser-policy.ts';
import { note, statusOf, target } from './status.ts';
import { createWindowsBrowserPolicy, type RegistryPort } from './windows-browser-policy.ts';

export interface BrowserPolicySettings {
  platform: NodeJS.Platform;
  ledger: Ledger;
  /** Without it, Windows is unsupported. */
  registry?: RegistryPort;
  /** Without it, macOS is unsupported. */
  preferences?: PreferencesPort;
}

/** Closes the CCP by the policies of the browsers that this computer has. */
export function createBrowserPolicy({ platform, ledger, registry, preferences }: BrowserPolicySettings): Enforcer {
  if (platform === 'linux') return createLinuxBrowserPolicy({ ledger });
  if (platform === 'win32' && registry) return createWindowsBrowserPolicy({ registry, ledger });
  if (platform === 'darwin' && preferences) return createMacBrowserPolicy({ preferences, ledger });
  return {
    name: 'browser-policy',
    hold: async ({ closed }) =>
      statusOf(closed, closed ? [target('browsers', 'degraded', [note('unsupported', `no policies of browsers on ${platform}`)])] : []),
  };
}
