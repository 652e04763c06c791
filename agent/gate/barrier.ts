import type { EnforcerStatus } from '../../contracts/enforcer.ts';
import type { Enforcer, GateOrder } from './enforcer.ts';

/** All enforcers together, each at its own pace: a slow one holds up none of the others. */
export interface Barrier {
  /** Every enforcer gets to this order, or to a later one. */
  hold(order: GateOrder): void;
  /** What each found at its last order, always in the same order. */
  statuses(): readonly EnforcerStatus[];
  /** Resolves when none is at work. */
  settled(): Promise<void>;
}

export function createBarrier(enforcers: readonly Enforcer[], onChange: () => void, onDefect: (error: unknown) => void): Barrier {
  const found = new Map<string, EnforcerStatus>();
  const lanes = enforcers.map((enforcer) => ({ enforcer, next: null as GateOrder | null, work: null as Promise<void> | null }));

  async function work(lane: (typeof lanes)[number]): Promise<void> {
    for (let order = lane.next; order; order = lane.next) {
      lane.next = null;
      try {
        found.set(lane.enforcer.name, await lane.enforcer.hold(order));
        onChange();
      } catch (error) {
        onDefect(error);
      }
    }
    lane.work = null;
  }

  return {
    hold(order) {
      for (const lane of lanes) {
        lane.next = order;
        lane.work ??= work(lane);
      }
    },
    statuses: () => enforcers.flatMap(({ name }) => found.get(name) ?? []),
    async settled() {
      await Promise.all(lanes.map((lane) => lane.work));
    },
  };
}
