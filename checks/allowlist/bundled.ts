import type { Allowlist } from '../../contracts/allowlist.ts';
import snapshot from './snapshot.json' with { type: 'json' };

/** The snapshot that ships with the product. A test parses it with the schema, so that starting need not. */
export const bundledAllowlist = snapshot as unknown as Allowlist;
