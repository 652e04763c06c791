import { SealingOrder } from '../../contracts/sealing.ts';
import type { Tx } from '../db/tenancy.ts';
import { contentHash } from '../documents/content-hash.ts';
import type { Content } from '../documents/issue.ts';
import { currentSealingKey } from './sealing-keys.ts';

/** Which key the desks of an instance are to seal to. Null: there is none, and whoever was never told of one needs not hear that. */
export async function sealingContent(tx: Tx, instance: string): Promise<{ content: Content; isNone: boolean }> {
  const row = await tx.selectFrom('instance').select('sealing_keys').where('instance_id', '=', instance).executeTakeFirstOrThrow();
  const key = currentSealingKey(row.sealing_keys);
  const content: Content = {
    kind: 'sealing',
    audience: '',
    hash: contentHash({ key }),
    body: (revision) => SealingOrder.parse({ schema: 1, revision, key }),
  };
  return { content, isNone: key === null };
}
