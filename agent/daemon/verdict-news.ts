import type { Verdict } from '../../contracts/verdict.ts';

/** Nobody sees a block come this much sooner or later. */
const MOVED_MS = 1_000;

/** A verdict differs from the one that was last told in more than the times at which they were decided. */
export function isNews(verdict: Verdict, told: Verdict): boolean {
  return essence(verdict) !== essence(told) || isMoved(verdict, told);
}

function essence({ standing, causes, undetermined, waivers, policy, allowlist }: Verdict): string {
  const untimed = causes.map((cause) => ({ ...cause, blocksAt: cause.blocksAt !== null }));
  return JSON.stringify({ standing, causes: untimed, undetermined, waivers, policy, allowlist });
}

/** For verdicts of the same essence. The moment of a block is told in wall time, which drifts against the awake time it is kept in. */
function isMoved(verdict: Verdict, told: Verdict): boolean {
  return verdict.causes.some(({ blocksAt }, i) => {
    const before = told.causes[i]?.blocksAt ?? null;
    return blocksAt !== null && before !== null && Math.abs(Date.parse(blocksAt) - Date.parse(before)) >= MOVED_MS;
  });
}
