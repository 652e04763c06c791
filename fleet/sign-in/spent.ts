import type { Tx } from '../db/tenancy.ts';

const DAY_MS = 86_400_000;
/** Break-glass uses are counted over 30 days. */
const SESSIONS_KEPT_MS = 31 * DAY_MS;

/** Takes away sessions, links and attempts that nothing asks about any more. For the retention job. */
export async function removeSpentSignIns(tx: Tx, now: Date): Promise<number> {
  const yesterday = new Date(now.getTime() - DAY_MS);
  const gone = [
    await tx.deleteFrom('sign_in_attempt').where('expires_at', '<', yesterday).executeTakeFirst(),
    await tx.deleteFrom('sign_in_link').where('expires_at', '<', yesterday).executeTakeFirst(),
    await tx
      .deleteFrom('session')
      .where('expires_at', '<', new Date(now.getTime() - SESSIONS_KEPT_MS))
      .executeTakeFirst(),
  ];
  return gone.reduce((sum, { numDeletedRows }) => sum + Number(numDeletedRows), 0);
}
