import { z } from 'zod';
import { SealingKey } from '../../contracts/sealing.ts';

/** RFC 7516, compact: header, no encrypted key, a nonce of 12 bytes, what is sealed, a tag of 16. */
const COMPACT = /^([A-Za-z0-9_-]{1,2000})\.\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}$/;

const ProtectedHeader = z.object({
  alg: z.literal('ECDH-ES'),
  enc: z.literal('A256GCM'),
  kid: SealingKey.shape.kid,
  epk: SealingKey.omit({ kid: true }),
});

/** Id of the key that a desk's fields are sealed to; null where they are no JWE as desks make them. What is in them is not for this server. */
export function sealedTo(jwe: string): string | null {
  const [, header] = COMPACT.exec(jwe) ?? [];
  if (header === undefined) return null;
  try {
    const read = ProtectedHeader.safeParse(JSON.parse(Buffer.from(header, 'base64url').toString('utf8')));
    return read.success ? read.data.kid : null;
  } catch {
    return null;
  }
}
