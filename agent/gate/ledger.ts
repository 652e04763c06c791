import path from 'node:path';
import { type LedgerEntry, LedgerFile } from '../../contracts/ledger.ts';
import { openStateFile, type SetAside } from '../store/state-file.ts';
import { EGRESS_TABLE } from './egress/block-rules.ts';

/** What the gate put on this computer. It is written before the thing is done, so that nothing of ours is ever unknown. */
export interface Ledger {
  entries(): readonly LedgerEntry[];
  /** On the disk when this resolves; rejects with a `StoreError`, and then the thing must not be done. */
  record(entries: readonly LedgerEntry[]): Promise<void>;
  /**
   * For what its name alone shows to be ours: it may be done whatever the disk says, else whoever fills the disk keeps the
   * gate open. Known at once, and on the disk as soon as the disk takes it. Never rejects.
   */
  recordIfPossible(entries: readonly LedgerEntry[]): Promise<void>;
  /** After the thing is gone. */
  forget(entries: readonly LedgerEntry[]): Promise<void>;
}

/** Stands in the way of the CCP. The others only count, or hold what does. */
export function isBarrier(entry: LedgerEntry): boolean {
  return entry.kind === 'nft-table' ? entry.name === EGRESS_TABLE : entry.kind !== 'directory';
}

export async function openLedger(stateDir: string, onSetAside?: (report: SetAside) => void): Promise<Ledger> {
  const file = await openStateFile({
    path: path.join(stateDir, 'ledger.json'),
    schema: LedgerFile,
    fallback: { schema: 1, entries: [] },
    onSetAside,
  });
  const known = new Map((await file.read()).entries.map((entry) => [JSON.stringify(entry), entry]));
  let isBehind = false;
  const save = () => file.write({ schema: 1, entries: [...known.values()] });
  return {
    entries: () => [...known.values()],
    async record(entries) {
      const fresh = entries.filter((entry) => !known.has(JSON.stringify(entry)));
      if (fresh.length === 0) return;
      for (const entry of fresh) known.set(JSON.stringify(entry), entry);
      await save().catch((error) => {
        for (const entry of fresh) known.delete(JSON.stringify(entry));
        throw error;
      });
    },
    async recordIfPossible(entries) {
      for (const entry of entries) {
        isBehind ||= !known.has(JSON.stringify(entry));
        known.set(JSON.stringify(entry), entry);
      }
      if (!isBehind) return;
      isBehind = false;
      await save().catch(() => {
        isBehind = true;
      });
    },
    async forget(entries) {
      const gone = entries.filter((entry) => known.delete(JSON.stringify(entry)));
      if (gone.length > 0) await save();
    },
  };
}
