import { uptime } from 'node:os';
import type { Enforcer } from '../enforcer.ts';
import type { Ledger } from '../ledger.ts';
import { readProcesses } from './browser-processes.ts';
import type { Running } from './browser-target.ts';
import { chromiumBrowsers, firefoxBrowser, type PolicyBrowser } from './browsers.ts';
import { chromiumTarget } from './chromium-target.ts';
import { firefoxTarget } from './firefox-target.ts';
import { removeOwnDirs } from './own-file.ts';
import { describe, note, statusOf, target } from './status.ts';

export interface LinuxBrowserPolicySettings {
  ledger: Ledger;
  chromiumFamily?: readonly PolicyBrowser[];
  firefox?: PolicyBrowser;
  procDir?: string;
  /** Milliseconds since boot, as the start times in `/proc` are. */
  bootMs?: () => number;
}

/**
 * Policy files of the browsers that are on this computer at the time of each call. To be called every few seconds while
 * the gate is closed, and for a minute after it opened: browsers that start then may miss a change, and are reminded.
 */
export function createLinuxBrowserPolicy(settings: LinuxBrowserPolicySettings): Enforcer {
  const { ledger, procDir = '/proc', bootMs = () => uptime() * 1_000 } = settings;
  const chromium = settings.chromiumFamily ?? chromiumBrowsers;
  const targets = [...chromium.map((one) => chromiumTarget(one, ledger)), firefoxTarget(settings.firefox ?? firefoxBrowser, ledger)];
  const executables = targets.flatMap((one) => one.executables);

  async function look(): Promise<(some: readonly string[]) => Running> {
    const nowMs = bootMs();
    const table = await readProcesses(procDir, executables).catch(() => null);
    return (some) => ({ processes: table?.browsers(some) ?? null, nowMs });
  }

  return {
    name: 'browser-policy',
    async hold({ closed, scope }) {
      const present = targets.filter((one) => one.isPresent());
      try {
        const before = await look();
        for (const one of present) await one.apply({ closed, hosts: scope.ccpHosts }, before(one.executables), bootMs);
        if (!closed) await removeOwnDirs(ledger);
        const after = await look();
        return statusOf(
          closed,
          present.map((one) => one.judge(after(one.executables))),
        );
      } catch (error) {
        return statusOf(closed, [target('browsers', 'degraded', [note('write-failed', describe(error))])]);
      }
    },
  };
}
