import type { AnyCheck } from '../../checks/check.ts';
import type { Clock } from '../../checks/host.ts';
import type { CheckId } from '../../contracts/finding.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import type { LocalApiHandlers } from '../local-api/server.ts';
import type { Desk } from './desk.ts';

/** A look takes seconds; asking again sooner only loads the servers it asks. */
const RECHECK_EVERY_MS = 5_000;

export type WindowApplied = 'open' | 'banner' | 'closed';

export interface Answering {
  /** Runs the rules of one check, or all. */
  recheck: Desk['trigger'];
  /** What the CCP window says it did; it changes nothing that was decided. */
  onWindow: (applied: WindowApplied, at: string) => void;
  checks: readonly AnyCheck[];
  snapshot: () => Snapshot;
  clock: Clock;
}

/** What a user's programs are answered; one for each user, so that nobody uses up another's share. */
export function answerLocalApi({ recheck, onWindow, checks, snapshot, clock }: Answering): LocalApiHandlers {
  const askedMs = new Map<CheckId | 'all', number>();
  return {
    snapshot: async () => ({ ok: true, value: snapshot() }),
    async recheck({ check }) {
      if (check !== undefined && !checks.some((one) => one.id === check && one.venue === 'daemon')) {
        return { ok: false, error: { code: 'unknown-check', detail: check } };
      }
      const nowMs = clock.monotonicMs();
      const lastMs = Math.max(askedMs.get('all') ?? Number.NEGATIVE_INFINITY, askedMs.get(check ?? 'all') ?? Number.NEGATIVE_INFINITY);
      if (nowMs - lastMs < RECHECK_EVERY_MS) {
        return { ok: false, error: { code: 'too-soon', detail: `${Math.ceil((RECHECK_EVERY_MS - nowMs + lastMs) / 1_000)} s` } };
      }
      askedMs.set(check ?? 'all', nowMs);
      recheck(check);
      return { ok: true, value: undefined };
    },
    async submitEvidence({ check }) {
      const known = checks.find((one) => one.id === check);
      if (!known) return { ok: false, error: { code: 'unknown-check', detail: check } };
      return { ok: false, error: { code: 'not-allowed', detail: `${check} runs in the daemon` } };
    },
    async acknowledgeWindow({ applied, at }) {
      onWindow(applied, at);
      return { ok: true, value: undefined };
    },
  };
}
