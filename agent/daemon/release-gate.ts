import type { Enrolment } from '../../contracts/identity.ts';
import type { ReleaseStore } from '../gate/release-store.ts';
import type { ReleaseResult } from './local-handlers.ts';

/** Opens the gate by the code that IT reads out, or on root's word alone. */
export async function releaseGate(
  releases: Pick<ReleaseStore, 'releaseByCode' | 'releaseByRoot'>,
  enrolment: Enrolment | null,
  uid: number,
  code: string | undefined,
): Promise<ReleaseResult> {
  if (code === undefined) return releases.releaseByRoot(uid);
  const secret = enrolment?.releaseSecret ?? null;
  if (secret === null) return { ok: false, code: 'not-enrolled', detail: 'this desk has no code that IT could read out' };
  return releases.releaseByCode(Buffer.from(secret, 'base64url'), code, uid);
}
