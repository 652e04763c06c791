import type { AnyCheck, Check } from '../../checks/check.ts';
import type { Clock } from '../../checks/host.ts';
import type { DeskHistory } from '../../contracts/desk-history.ts';
import type { FaultCode } from '../../contracts/fault.ts';
import type { CheckId } from '../../contracts/finding.ts';
import type { CallActivity } from '../../contracts/gate.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import type { LocalApiHandlers } from '../local-api/server.ts';
import type { Desk } from './desk.ts';

/** A look takes seconds; asking again sooner only loads the servers it asks. */
const RECHECK_EVERY_MS = 5_000;
/** A session probe opens the microphone: more often than this nobody wants to see its light. */
const EVIDENCE_EVERY_MS = 5_000;

export type WindowApplied = 'open' | 'banner' | 'closed';

export type ReleaseResult = { ok: true; until: string } | { ok: false; code: ReleaseRefusal; detail: string };
type ReleaseRefusal = Extract<FaultCode, 'wrong-code' | 'too-soon' | 'not-enrolled' | 'internal'>;

export interface Answering {
  uid: number;
  /** Runs the rules of one check, or all; see `Desk.trigger`. */
  recheck: Desk['trigger'];
  submit: Desk['submit'];
  /** What the CCP window says it did; it changes nothing that was decided. */
  onWindow: (applied: WindowApplied, at: string) => void;
  onActivity: (says: CallActivity) => void;
  /** Without a code it is root's. */
  release: (code: string | undefined) => Promise<ReleaseResult>;
  checks: readonly AnyCheck[];
  snapshot: () => Snapshot;
  history: () => DeskHistory;
  clock: Clock;
}

/** What a user's programs are answered; one for each user, so that nobody uses up another's share. */
export function answerLocalApi(answering: Answering): LocalApiHandlers {
  const { uid, recheck, submit, onWindow, onActivity, release, checks, snapshot, history, clock } = answering;
  const recheckedMs = new Map<CheckId | 'all', number>();
  const submittedMs = new Map<CheckId, number>();

  function refuse<C extends FaultCode>(code: C, detail: string) {
    return { ok: false as const, error: { code, detail: detail.slice(0, 500) } };
  }

  function tooSoon(leftMs: number) {
    const { ok, error } = refuse('too-soon', `${Math.ceil(leftMs / 1_000)} s`);
    return { ok, error: { ...error, retryInMs: Math.ceil(leftMs) } };
  }

  function leftOf(lastMs: number | undefined, everyMs: number): number {
    return lastMs === undefined ? 0 : everyMs - (clock.monotonicMs() - lastMs);
  }

  return {
    snapshot: async () => ({ ok: true, value: snapshot() }),
    history: async () => ({ ok: true, value: history() }),
    async recheck({ check }) {
      if (check !== undefined && !checks.some((one) => one.id === check && one.venue === 'daemon')) return refuse('unknown-check', check);
      const lastMs = [recheckedMs.get('all'), recheckedMs.get(check ?? 'all')].flatMap((ms) => ms ?? []);
      const leftMs = leftOf(lastMs.length > 0 ? Math.max(...lastMs) : undefined, RECHECK_EVERY_MS);
      if (leftMs > 0) return tooSoon(leftMs);
      recheckedMs.set(check ?? 'all', clock.monotonicMs());
      const waitMs = recheck(check);
      return waitMs > 0 ? tooSoon(waitMs) : { ok: true, value: undefined };
    },
    async submitEvidence({ check, reading }) {
      const known = checks.find((one) => one.id === check);
      if (!known) return refuse('unknown-check', check);
      if (!isOfSession(known)) return refuse('not-allowed', `${check} runs in the daemon`);
      const leftMs = leftOf(submittedMs.get(check), EVIDENCE_EVERY_MS);
      if (leftMs > 0) return tooSoon(leftMs);
      submittedMs.set(check, clock.monotonicMs());
      const flaw = submit(known, reading);
      return flaw === null ? { ok: true, value: undefined } : refuse('bad-request', flaw);
    },
    async acknowledgeWindow({ applied, at }) {
      onWindow(applied, at);
      return { ok: true, value: undefined };
    },
    async reportActivity({ says }) {
      onActivity(says);
      return { ok: true, value: undefined };
    },
    async release({ code }) {
      if (code === undefined && uid !== 0) return refuse('not-allowed', 'a user needs the code that IT reads out');
      const released = await release(code);
      return released.ok ? { ok: true, value: { until: released.until } } : refuse(released.code, released.detail);
    },
  };
}

function isOfSession(check: AnyCheck): check is Check<'session'> {
  return check.venue === 'session';
}
