import { randomUUID } from 'node:crypto';
import os from 'node:os';
import { appendAudit } from '../audit/append.ts';
import { sealSource } from '../audit/source.ts';
import type { Tx } from '../db/tenancy.ts';
import type { AuditTarget } from '../http/route.ts';
import type { Store } from '../store.ts';

/** What a command does to a tenant, with its record in one transaction. The operator is whoever may run commands on this server. */
export async function auditedAs<T>(
  { db, keyring, now }: Store,
  tenant: string,
  action: string,
  work: (tx: Tx) => Promise<{ value: T; targets: AuditTarget[] }>,
): Promise<T> {
  return db.within({ tenant }, async (tx) => {
    const { value, targets } = await work(tx);
    const eventId = randomUUID();
    const record = {
      eventId,
      at: now().toISOString(),
      actor: { kind: 'operator' as const },
      action: `cli ${action}`,
      status: 200,
      targets,
      requestId: randomUUID(),
    };
    // Who of the server's users it was, as the system says.
    const source = await sealSource(keyring, tx, tenant, eventId, { address: 'local', userAgent: os.userInfo().username });
    await appendAudit(tx, tenant, record, source);
    return value;
  });
}
