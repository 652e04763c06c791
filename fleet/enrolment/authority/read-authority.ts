import { type Db, NIL_ID } from '../../db/tenancy.ts';

/** The CA's certificate in PEM; null before the server's first start. */
export async function readAuthority(db: Db): Promise<string | null> {
  const row = await db.within({ tenant: NIL_ID }, (tx) => tx.selectFrom('authority').select('certificate').executeTakeFirst());
  return row?.certificate ?? null;
}
