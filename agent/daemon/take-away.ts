import type { Platform } from '../../checks/host.ts';
import type { EnforcerStatus } from '../../contracts/enforcer.ts';
import type { LedgerEntry } from '../../contracts/ledger.ts';
import { createActivityReaders, createEnforcers } from '../gate/gate-parts.ts';
import { openLedger } from '../gate/ledger.ts';
import { systemClock } from '../host/clock.ts';

export interface TakenAway {
  removed: readonly LedgerEntry[];
  kept: readonly { entry: LedgerEntry; why: string }[];
}

const nothing = { ccpHosts: [], transportHosts: [], mediaPrefixes: [], sharedPrefixes: [] };

/** Takes away all that is ours on this computer, where no daemon runs. Rejects with a `StoreError` when there is no reading the ledger. */
export async function takeAway(stateDir: string, platform: Platform): Promise<TakenAway> {
  const ledger = await openLedger(stateDir);
  const before = ledger.entries();
  const parts = { platform, ledger, clock: systemClock };
  const found = await Promise.all(
    createEnforcers(parts).map((enforcer) => enforcer.hold({ closed: false, scope: nothing, agentUids: [] })),
  );
  await Promise.all(createActivityReaders(parts, () => []).map((reader) => reader.close()));
  const left = new Set(ledger.entries());
  return {
    removed: before.filter((entry) => !left.has(entry)),
    kept: [...left].map((entry) => ({ entry, why: whyKept(entry, found) })),
  };
}

function whyKept({ enforcer }: LedgerEntry, found: readonly EnforcerStatus[]): string {
  const notes = found.filter((status) => status.enforcer === enforcer).flatMap(({ targets }) => targets.flatMap((target) => target.notes));
  return notes.map(({ code, detail }) => `${code}${detail === '' ? '' : ` (${detail})`}`).join(', ') || 'it is still there';
}
