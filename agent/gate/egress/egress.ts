import type { EnforcerNote, EnforcerStatus, EnforcerTarget } from '../../../contracts/enforcer.ts';
import type { Enforcer, GateOrder } from '../enforcer.ts';
import type { Ledger } from '../ledger.ts';
import { blockRules, EGRESS_TABLE } from './block-rules.ts';
import { chooseWebBlock, hostsOf } from './blocked-addresses.ts';
import { createHostAddresses } from './host-addresses.ts';
import { createNft, type Nft } from './nft.ts';
import { openOwnTable, type TableFault } from './own-table.ts';
import type { TableReading } from './table-reading.ts';

/** A table that was put back is told for as long as a report takes to be sent. */
const CHANGE_TOLD_MS = 60_000;
/** As the contract allows. */
const MOST_NOTES = 20;
const MOST_DETAIL = 300;

export interface EgressParts {
  /** `process.platform`. */
  platform: string;
  ledger: Ledger;
  /** Addresses of both families. Asked as root, whom no rule of ours concerns. */
  resolve: (host: string) => Promise<readonly string[]>;
  clock: { monotonicMs: () => number };
  nft?: Nft;
}

/**
 * Closes the CCP in the network of the agents' users: their connections to the instance are reset, their media is dropped.
 * It cannot hold an agent who works by a proxy, a VPN or another user, nor close what shares its addresses with other sites.
 * Linux only; needs nft and CAP_NET_ADMIN.
 */
export function createEgress({ platform, ledger, resolve, clock, nft = createNft() }: EgressParts): Enforcer {
  const table = openOwnTable({ nft, ledger, name: EGRESS_TABLE });
  const addresses = createHostAddresses({ resolve, clock });
  /** What an earlier process left; undefined while nobody has looked. */
  let left: TableReading | null | undefined;
  let changedAtMs: number | null = null;

  async function close(order: GateOrder, uids: readonly number[]): Promise<EnforcerStatus> {
    if (left === undefined) left = await table.read();
    const keep = async () => {
      const web = chooseWebBlock(order.scope, addresses, left ?? null);
      const kept = await table.keep(blockRules({ uids, web, mediaPrefixes: order.scope.mediaPrefixes }));
      if ('how' in kept && kept.how === 'put-back') changedAtMs = clock.monotonicMs();
      return { kept, web };
    };
    // What is known is held first: names may take seconds.
    let { kept, web } = await keep();
    if ('how' in kept && (await addresses.refresh(hostsOf(order.scope)))) ({ kept, web } = await keep());
    if ('fault' in kept) return everyTarget('closed', kept.fault === 'overridden' ? 'conflict' : 'degraded', faultNotes(kept));

    const media: EnforcerNote[] = order.scope.mediaPrefixes.length > 0 ? [] : [{ code: 'no-address', detail: 'media' }];
    const target = (name: string, notes: EnforcerNote[]): EnforcerTarget => ({
      target: name,
      state: notes.length > 0 ? 'degraded' : 'confirmed',
      notes: [...changeNotes(), ...notes],
    });
    return statusOf('closed', [target('tcp-443', web.notes), target('udp-3478', media)]);
  }

  function changeNotes(): EnforcerNote[] {
    const isNews = changedAtMs !== null && clock.monotonicMs() - changedAtMs < CHANGE_TOLD_MS;
    return isNews ? [{ code: 'changed-by-other', detail: `table inet ${EGRESS_TABLE}` }] : [];
  }

  /** Nobody works here: there is nobody to hold, and whoever comes is held at once. */
  async function open(wanted: EnforcerStatus['wanted']): Promise<EnforcerStatus> {
    const fault = await table.drop();
    left = null;
    changedAtMs = null;
    const nobody: EnforcerNote[] = wanted === 'closed' ? [{ code: 'no-users', detail: '' }] : [];
    return everyTarget(wanted, fault ? 'degraded' : 'confirmed', [...(fault ? faultNotes(fault) : []), ...nobody]);
  }

  return {
    name: 'egress',
    async hold(order) {
      const wanted = order.closed ? 'closed' : 'open';
      try {
        if (platform !== 'linux') {
          const notes: EnforcerNote[] = [{ code: 'unsupported', detail: platform }];
          return order.closed ? everyTarget(wanted, 'degraded', notes) : everyTarget(wanted, 'confirmed', []);
        }
        const uids = order.agentUids.filter((uid) => uid > 0);
        return order.closed && uids.length > 0 ? await close(order, uids) : await open(wanted);
      } catch (error) {
        return everyTarget(wanted, 'degraded', [{ code: 'write-failed', detail: String(error) }]);
      }
    },
  };
}

function faultNotes({ fault, detail }: TableFault): EnforcerNote[] {
  return [{ code: fault === 'overridden' ? 'changed-by-other' : fault, detail }];
}

function everyTarget(wanted: EnforcerStatus['wanted'], state: EnforcerStatus['state'], notes: EnforcerNote[]): EnforcerStatus {
  return statusOf(
    wanted,
    ['tcp-443', 'udp-3478'].map((target) => ({ target, state, notes })),
  );
}

function statusOf(wanted: EnforcerStatus['wanted'], targets: readonly EnforcerTarget[]): EnforcerStatus {
  const worst = (['conflict', 'degraded', 'confirmed'] as const).find((state) => targets.some((target) => target.state === state));
  const fitting = targets.map((target) => ({
    ...target,
    notes: target.notes.slice(0, MOST_NOTES).map(({ code, detail }) => ({ code, detail: detail.slice(0, MOST_DETAIL) })),
  }));
  return { enforcer: 'egress', wanted, state: worst ?? 'confirmed', targets: fitting };
}
