import type { CallActivity } from '../../contracts/gate.ts';
import { createNft, type Nft } from '../gate/egress/nft.ts';
import { openOwnTable } from '../gate/egress/own-table.ts';
import type { Ledger } from '../gate/ledger.ts';
import { judgeRates, type RateMemory, startRates } from './media-packets-rate.ts';
import { ACTIVITY_TABLE, countRules } from './media-packets-table.ts';
import type { ActivityReader } from './reader.ts';

export interface MediaPacketParts {
  ledger: Ledger;
  /** Where media goes, in CIDR notation. */
  prefixes: () => readonly string[];
  nft?: Nft;
}

/**
 * Sees calls by their packets, in counters of an nft table of its own, on Linux. Says `unknown` at the first read, after
 * somebody changed the table, and where it cannot count.
 */
export function createMediaPacketReader({ ledger, prefixes, nft = createNft() }: MediaPacketParts): ActivityReader {
  const table = openOwnTable({ nft, ledger, name: ACTIVITY_TABLE });
  let rates: RateMemory | null = null;
  let last: Promise<unknown> = Promise.resolve();

  async function look(agentUids: readonly number[], nowMs: number): Promise<CallActivity> {
    const wanted = prefixes();
    if (wanted.length === 0) return 'unknown';
    const kept = await table.keep(
      countRules(
        agentUids.filter((uid) => uid > 0),
        wanted,
      ),
    );
    if ('fault' in kept) return 'unknown';
    const counts = { out: kept.reading.counters.get('out') ?? 0, in: kept.reading.counters.get('in') ?? 0 };
    rates = kept.how === 'stood' ? judgeRates(rates, counts, nowMs) : startRates(rates, counts, nowMs);
    return rates.says;
  }

  /** One at a time: a read that waits for the kernel must not meet the next one, or the end. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = last.then(task);
    last = turn.catch(() => {});
    return turn;
  }

  return {
    source: 'media-packets',
    async read(agentUids, nowMs) {
      const says = await inTurn(() => look(agentUids, nowMs)).catch((): CallActivity => 'unknown');
      return [{ source: 'media-packets', side: 'privileged', says, observedAtMs: nowMs }];
    },
    async close() {
      await inTurn(() => table.drop()).catch(() => {});
    },
  };
}
