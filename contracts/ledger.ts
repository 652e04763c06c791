import { z } from 'zod';
import { EnforcerName } from './enforcer.ts';

const Path = z.string().min(1).max(4_096);

/** One thing that the gate put on this computer, so that exactly this can be taken away again. */
export const LedgerEntry = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('file'), enforcer: EnforcerName, path: Path }),
  /** Made because it was not there; removed when it is empty. */
  z.strictObject({ kind: z.literal('directory'), enforcer: EnforcerName, path: Path }),
  z.strictObject({
    kind: z.literal('nft-table'),
    enforcer: EnforcerName,
    family: z.literal('inet'),
    name: z.string().regex(/^deskwarden[a-z0-9_]*$/),
  }),
  /** Windows: one value of a key. */
  z.strictObject({
    kind: z.literal('registry-value'),
    enforcer: EnforcerName,
    key: Path,
    name: z.string().max(255),
    data: z.string().max(2_000),
  }),
  /** macOS: items of a list in a managed-preferences file. */
  z.strictObject({
    kind: z.literal('plist-items'),
    enforcer: EnforcerName,
    path: Path,
    key: z.string().max(255),
    items: z.array(z.string().max(2_000)).max(100),
  }),
]);
export type LedgerEntry = z.infer<typeof LedgerEntry>;

export const LedgerFile = z.strictObject({ schema: z.literal(1), entries: z.array(LedgerEntry).max(500) });
export type LedgerFile = z.infer<typeof LedgerFile>;
