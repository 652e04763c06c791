import type { Result } from '../contracts/call.ts';
import type { CheckId } from '../contracts/finding.ts';
import type { Desk } from './desk/desk.ts';
import { RECHECK_EVERY_MS, type SessionProbes } from './probes/session-probes.ts';

type Rechecked = Awaited<ReturnType<Desk['recheck']>>;

/** What is looked at in the user's session the daemon cannot look at: without a check, both do. */
export async function recheckAll(
  desk: Pick<Desk, 'recheck' | 'view'>,
  probes: Pick<SessionProbes, 'recheck'>,
  check?: CheckId,
): Promise<Rechecked> {
  if (check === undefined) {
    probes.recheck();
    return desk.recheck();
  }
  const { link, snapshot } = desk.view();
  if (!snapshot?.session.rules.some((rule) => rule.check === check)) return desk.recheck(check);
  if (link !== 'connected') return refuse('no-daemon', 'nobody to tell');
  return probes.recheck(check) ? { ok: true, value: undefined } : refuse('too-soon', 'it has just been looked at', RECHECK_EVERY_MS);
}

function refuse(code: 'no-daemon' | 'too-soon', detail: string, retryInMs?: number): Result<never, 'no-daemon' | 'too-soon'> {
  return { ok: false, error: { code, detail, ...(retryInMs !== undefined && { retryInMs }) } };
}
