import type { WindowKind } from './window-spec.ts';

/** A page that falls over once comes back; one that falls over again and again would only flicker. */
const RELOADS = 3;
const WITHIN_MS = 60_000;

/** The CCP's window asks its user first; a probe that fell over saw nothing, and is tried again when its time comes. */
const comesBack: readonly WindowKind[] = ['posture', 'blocked', 'banner'];

/** What becomes of a window whose page is gone; `reason` as Electron gives it. */
export function createCrashRule(monotonicMs: () => number): (kind: WindowKind, reason: string) => 'leave' | 'reload' | 'destroy' {
  const reloadedMs = new Map<WindowKind, number[]>();
  return (kind, reason) => {
    if (reason === 'clean-exit' || !comesBack.includes(kind)) return 'leave';
    const nowMs = monotonicMs();
    const lately = (reloadedMs.get(kind) ?? []).filter((ms) => nowMs - ms < WITHIN_MS);
    if (lately.length >= RELOADS) return 'destroy';
    reloadedMs.set(kind, [...lately, nowMs]);
    return 'reload';
  };
}
