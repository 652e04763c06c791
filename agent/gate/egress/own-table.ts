import type { LedgerEntry } from '../../../contracts/ledger.ts';
import type { Ledger } from '../ledger.ts';
import type { Nft } from './nft.ts';
import { hasAll, namesTable, readTable, type TableReading } from './table-reading.ts';
import { deleteScript, replaceScript, type TableWish } from './table-script.ts';

export interface TableFault {
  fault: 'tool-missing' | 'write-failed' | 'overridden';
  detail: string;
}

/** `put-back`: somebody had changed or removed it since. `made`: nothing is known of before. */
export type Kept = { how: 'stood' | 'made' | 'put-back'; reading: TableReading };

/** One nft table that is wholly ours, in the ledger for as long as it may be there. One call at a time. */
export interface OwnTable {
  /** Brings the table to the wish in one transaction, or leaves it where it is so already; and reads it back. */
  keep(wish: TableWish): Promise<Kept | TableFault>;
  /** As it is; null where there is none. */
  read(): Promise<TableReading | null>;
  /** Removes it, and resolves to null once it is gone. */
  drop(): Promise<TableFault | null>;
}

export interface OwnTableParts {
  nft: Nft;
  ledger: Ledger;
  name: string;
}

const missing: TableFault = { fault: 'tool-missing', detail: 'nft' };

export function openOwnTable({ nft, ledger, name }: OwnTableParts): OwnTable {
  const entry: LedgerEntry = { kind: 'nft-table', enforcer: 'egress', family: 'inet', name };
  const isInLedger = () => ledger.entries().some((one) => one.kind === 'nft-table' && one.name === name);
  let last: { script: string; frame: string } | null = null;
  let isGone = false;

  async function read(): Promise<TableReading | null> {
    const listed = await nft.run(['-j', 'list', 'table', 'inet', name]);
    return listed.ok ? readTable(listed.text) : null;
  }

  /** Null once it was not in the list of all tables; a table that cannot be read is not gone. */
  async function isListed(): Promise<boolean | TableFault> {
    const listed = await nft.run(['-j', 'list', 'tables']);
    if (!listed.ok) return { fault: 'write-failed', detail: listed.detail };
    return namesTable(listed.text, name) ?? { fault: 'write-failed', detail: 'the list of tables cannot be read' };
  }

  return {
    read,
    async keep(wish) {
      if (!nft.isThere()) return missing;
      await ledger.recordIfPossible([entry]);
      const script = replaceScript(name, wish);
      const before = last?.script === script ? last : null;
      const found = before && (await read());
      if (found && found.frame === before.frame && hasAll(found, wish)) return { how: 'stood', reading: found };

      last = null;
      isGone = false;
      const put = await nft.run(['-f', '-'], script);
      if (!put.ok) return { fault: 'write-failed', detail: put.detail };
      const reading = await read();
      if (!reading || !hasAll(reading, wish)) return { fault: 'overridden', detail: `table inet ${name} reads back otherwise` };
      last = { script, frame: reading.frame };
      return { how: before ? 'put-back' : 'made', reading };
    },
    async drop() {
      // Looked for once: a state directory that was lost leaves a table that no ledger knows of.
      if (isGone && !isInLedger()) return null;
      if (!nft.isThere()) return isInLedger() ? missing : null;
      last = null;
      let listed = await isListed();
      if (listed === true) {
        const deleted = await nft.run(['-f', '-'], deleteScript(name));
        if (!deleted.ok) return { fault: 'write-failed', detail: deleted.detail };
        listed = await isListed();
      }
      if (listed === true) return { fault: 'overridden', detail: `table inet ${name} is there again` };
      if (listed !== false) return isInLedger() ? listed : null;
      isGone = true;
      return ledger.forget([entry]).then(
        () => null,
        (error): TableFault => ({ fault: 'write-failed', detail: String(error) }),
      );
    },
  };
}
