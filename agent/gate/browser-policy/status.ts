import type { EnforcerNote, EnforcerNoteCode, EnforcerState, EnforcerStatus, EnforcerTarget } from '../../../contracts/enforcer.ts';

const MOST_NOTES = 20;
const LONGEST_DETAIL = 300;
/** A conflict is worst: what it overrides holds nothing shut. */
const badness: Record<EnforcerState, number> = { confirmed: 0, written: 1, degraded: 2, conflict: 3 };

export function note(code: EnforcerNoteCode, detail: string): EnforcerNote {
  return { code, detail: detail.slice(0, LONGEST_DETAIL) };
}

export function worse(a: EnforcerState, b: EnforcerState): EnforcerState {
  return badness[a] >= badness[b] ? a : b;
}

export function target(name: string, state: EnforcerState, notes: readonly EnforcerNote[] = []): EnforcerTarget {
  return { target: name, state, notes: notes.slice(0, MOST_NOTES) };
}

export function statusOf(closed: boolean, targets: readonly EnforcerTarget[]): EnforcerStatus {
  return {
    enforcer: 'browser-policy',
    wanted: closed ? 'closed' : 'open',
    state: targets.map((one) => one.state).reduce(worse, 'confirmed'),
    targets: [...targets],
  };
}

/** Of an error of the file system or of the ledger: its code, and where. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
